import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { V1Job, V1ResourceQuota, V1ResourceQuotaSpec } from '@kubernetes/client-node'
import { forges } from '../forges/index.ts'
import { parseConfig } from '../settings/config-file.ts'
import { readEnvironment } from '../settings/environment.ts'
import { buildScopes, capacityRemarks } from './capacity.ts'
import { sampleManifests } from './sample-manifest.ts'

const quota = (hard: Record<string, string>, used: Record<string, string> = {}) => ({
  metadata: { name: 'builds' },
  spec: { hard },
  status: { hard, used },
})
/** One that is used up, as far as it counts builds. */
const full = (spec: V1ResourceQuotaSpec): V1ResourceQuota => ({
  metadata: { name: 'builds' },
  spec,
  status: { hard: { pods: '0' }, used: { pods: '0' } },
})
const range = (limit: object) => ({ spec: { limits: [{ type: 'Container', ...limit }] } })
const image = (resources = {}) => ({ name: 'api', resources })

const say = (...given: Parameters<typeof capacityRemarks>): string[] =>
  capacityRemarks(...given).map(({ severity, message }) => `${severity}: ${message}`)

describe('quotas', () => {
  it('with room are one line; none at all is none', () => {
    const remarks = say(
      [quota({ pods: '10', 'requests.cpu': '4' }, { pods: '3', 'requests.cpu': '500m' })],
      [],
      [image({ requests: { cpu: '1' } })],
    )
    assert.deepEqual(remarks, [
      'ok: there is room in the quota (pods 3 of 10, requests.cpu 500m of 4)',
    ])
    assert.deepEqual(say([], [], [image()]), [])
  })

  it('that are used up are a warning, in whatever unit', () => {
    const used = quota({ 'requests.memory': '4Gi' }, { 'requests.memory': '4096Mi' })
    const [said] = say([used], [], [image({ requests: { memory: '1Gi' } })])
    assert.match(
      said ?? '',
      /^warning: ResourceQuota builds is used up: requests\.memory 4096Mi of 4Gi/,
    )
  })

  it('on limits refuse every build, as the clone has none, unless a LimitRange gives some', () => {
    const limits = quota({ 'limits.memory': '8Gi' })
    const [said] = say([limits], [], [image({ limits: { memory: '1Gi' } })])
    assert.match(said ?? '', /^error: .* does not state limits\.memory \(the clone\)$/)
    const given = range({ _default: { memory: '1Gi' } })
    assert.deepEqual(
      say([limits], [given], [image()]).filter((text) => !text.startsWith('ok')),
      [],
    )
  })

  it('on requests refuse the images that state none', () => {
    const requests = quota({ cpu: '8' })
    const [said] = say(
      [requests],
      [],
      [image(), { ...image({ limits: { cpu: '1' } }), name: 'web' }],
    )
    assert.match(said ?? '', /^error: .* does not state requests\.cpu \(api\)$/)
    const given = range({ defaultRequest: { cpu: '100m' } })
    assert.equal(
      say([requests], [given], [image()]).some((text) => text.startsWith('error')),
      false,
    )
  })

  it('whose scopes do not apply to builds say nothing about them', () => {
    for (const scopes of [
      ['BestEffort'],
      ['Terminating'],
      ['NotTerminating', 'BestEffort'],
      ['PriorityClass'],
    ]) {
      assert.deepEqual(say([full({ scopes })], [], [image()]), [])
    }
    for (const scopes of [['NotBestEffort'], ['NotTerminating', 'NotBestEffort'], []]) {
      assert.match(say([full({ scopes })], [], [image()])[0] ?? '', /^warning: .* is used up/)
    }
  })

  it('that select pods are named and not judged', () => {
    const scopeSelector = {
      matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }],
    }
    assert.deepEqual(say([full({ scopeSelector })], [], [image()]), [
      'ok: not judged, as a scopeSelector says what it counts: ResourceQuota builds',
    ])
  })

  it('meet pods that state requests and have no deadline, whatever the image says', () => {
    const environment = { GITEA_URL: 'https://git.acme.io', GITEA_TOKEN: 'token' }
    const settings = readEnvironment(
      { ...environment, GITEA_WEBHOOK_SECRETS: 'x'.repeat(16) },
      { forges },
    )
    const config = parseConfig(
      'repositories: [{ match: "git.acme.io/acme/app", destination: "reg.acme.io/acme/app" }]',
      'kanihook.yaml',
    )
    const job = sampleManifests(settings, config, 'job')[0]?.manifest as V1Job | undefined
    const pod = job?.spec?.template.spec
    const containers = [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])]
    const requests = containers.flatMap(({ resources }) => Object.keys(resources?.requests ?? {}))
    assert.equal(requests.length > 0, buildScopes.has('NotBestEffort'))
    assert.equal(pod?.activeDeadlineSeconds === undefined, buildScopes.has('NotTerminating'))
  })
})
