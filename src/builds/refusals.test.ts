import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { buildPlan, imagePlan } from '../../test/support/samples.ts'
import type { Resources } from './build.ts'
import { shorten } from './describe.ts'
import { cloneRequests, explainRefusal, quotaNote } from './refusals.ts'

const refusal = (message: string, resources: Resources = {}, reason = 'FailedCreate') =>
  explainRefusal({ reason, message }, buildPlan({ plan: { ...imagePlan, resources } }))
const forbidden = (why: string): string =>
  `Error creating: pods "kanihook-x-1-abc" is forbidden: ${why}`

/** What the API server said → what the person who pushed reads. */
const refusals: readonly (readonly [said: string, reason: string])[] = [
  [
    forbidden('maximum memory usage per Container is 1Gi, but limit is 4Gi'),
    'A LimitRange allows at most 1Gi of memory per Container: lower resources.limits.memory (4Gi)',
  ],
  [
    forbidden(
      '[maximum cpu usage per Container is 1, but limit is 2, maximum memory usage per Container is 1Gi, but limit is 4Gi]',
    ),
    'A LimitRange allows at most 1 of cpu per Container: lower resources.limits.cpu (2)',
  ],
  [
    forbidden('maximum memory usage per Pod is 1Gi.  No limit is specified'),
    'A LimitRange allows at most 1Gi of memory per Pod: set resources.limits.memory',
  ],
  [
    forbidden('minimum cpu usage per Container is 500m, but request is 100m'),
    'A LimitRange wants at least 500m of cpu per Container: raise resources.requests.cpu (100m)',
  ],
  [
    forbidden('minimum memory usage per Container is 128Mi, but request is 64Mi'),
    'A LimitRange wants at least 128Mi of memory per Container, and the clone asks for 64Mi: lower that minimum',
  ],
  [
    forbidden('minimum memory usage per Pod is 128Mi.  No request is specified'),
    'A LimitRange wants at least 128Mi of memory per Pod: set resources.requests.memory',
  ],
  [
    forbidden('cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000'),
    'A LimitRange allows a limit of cpu of 2 times the request per Container: raise resources.requests.cpu',
  ],
  [
    'Error creating: Pod "kanihook-x-1-abc" is invalid: spec.containers[0].resources.requests: Invalid value: "400Mi": must be less than or equal to memory limit of 256Mi',
    'A LimitRange gives a limit of 256Mi of memory, less than resources.requests.memory (400Mi): set resources.limits.memory',
  ],
  [
    forbidden(
      'failed quota: builds: must specify limits.memory for: clone; requests.cpu for: build',
    ),
    'Quota builds wants limits.memory of every container: set resources.limits.memory, and a default for the clone in a LimitRange',
  ],
  [
    forbidden('no PriorityClass with name fast was found'),
    'There is no PriorityClass fast: create it, or change priorityClassName',
  ],
  [
    forbidden('error looking up service account builds/pusher: serviceaccount "pusher" not found'),
    'There is no ServiceAccount pusher in the build namespace: make it, or change serviceAccountName',
  ],
  [
    forbidden('violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false'),
    "Pod Security restricted:latest refuses the build's pod: let the build namespace enforce baseline",
  ],
]

describe('a pod that is never made is explained, and no other', () => {
  for (const [said, reason] of refusals) {
    test(said, () => {
      assert.deepEqual(refusal(said), { state: 'error', reason, retry: false })
      assert.equal(shorten(reason), reason, 'it fits a status')
    })
  }

  test('a build that asks for as little as the clone is told apart from it', () => {
    const said = forbidden('minimum memory usage per Container is 128Mi, but request is 64Mi')
    const { memory = '' } = cloneRequests
    assert.match(refusal(said, { requests: { memory } })?.reason ?? '', /raise resources\.requests/)
  })

  test('a full quota and what another event says are waited for', () => {
    assert.equal(
      refusal(
        forbidden('exceeded quota: builds, requested: pods=1, used: pods=5, limited: pods=5'),
      ),
      undefined,
    )
    assert.equal(
      refusal('maximum memory usage per Pod is 1Gi, but limit is 4Gi', {}, 'Failed'),
      undefined,
    )
  })
})

describe('a full quota says what it lacks, and by which key a build asks for less', () => {
  for (const [said, note] of [
    [
      'exceeded quota: builds, requested: limits.memory=4Gi, used: limits.memory=6Gi, limited: limits.memory=8Gi',
      'quota builds: the build asks for 4Gi of limits.memory (resources.limits.memory), with 6Gi of 8Gi in use',
    ],
    [
      'exceeded quota: builds, requested: cpu=2,pods=1, used: cpu=3,pods=5, limited: cpu=4,pods=5',
      'quota builds: the build asks for 2 of cpu (resources.requests.cpu), with 3 of 4 in use; 1 of pods (MAX_BUILDS), with 5 of 5 in use',
    ],
    ['Insufficient cpu', undefined],
  ] as const) {
    test(said, () => assert.equal(quotaNote({ reason: 'FailedCreate', message: said }), note))
  }
})
