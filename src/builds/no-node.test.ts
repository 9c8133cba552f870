import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { imagePlan } from '../../test/support/samples.ts'
import { exampleBuild } from './example-build.ts'
import type { ImagePlan } from './build.ts'
import { noNode } from './no-node.ts'
import type { Waiting } from './ports.ts'

const other = "didn't match Pod's node affinity/selector"
const preemption =
  'no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.'

function ended(
  message: string,
  plan: Partial<ImagePlan> = {},
  waiting: Partial<Waiting> = {},
): string | undefined {
  const identity = {
    repository: { forge: 'gitea', id: '7', host: 'git.example.com', path: 'acme/app' },
    ref: 'refs/heads/main',
    sha: 'a'.repeat(40),
    image: 'app',
  }
  const build = exampleBuild({
    identity,
    plan: { ...imagePlan, platform: 'linux/arm64', ...plan },
    cause: 'test',
    now: 0,
  })
  return noNode(build, { reason: 'Unschedulable', message, since: 0, ...waiting }, 60_000)?.reason
}

describe('a build that no node of its platform takes', () => {
  it('ends after a minute, and says what to do', () => {
    assert.equal(
      ended(`0/3 nodes are available: 3 node(s) ${other}. ${preemption}`),
      'No node of linux/arm64 took the build within 1m: add such a node, or set crossBuild',
    )
  })

  it('ends though a node of the control plane has a taint', () => {
    const taint = '1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }'
    assert.ok(ended(`0/3 nodes are available: ${taint}, 2 node(s) ${other}. ${preemption}`))
    const newer = '1 node(s) had untolerated taint(s)'
    assert.ok(ended(`0/3 nodes are available: ${newer}, 2 node(s) ${other}. ${preemption}`))
  })

  it('names the labels that the image wants of it', () => {
    const reason = ended(`0/1 nodes are available: 1 node(s) ${other}.`, {
      nodeSelector: { 'acme.io/pool': 'arm' },
    })
    assert.match(reason ?? '', /^No node of linux\/arm64 with acme\.io\/pool=arm took the build/)
  })

  it('waits as long as nodeTimeout says', () => {
    const message = `0/1 nodes are available: 1 node(s) ${other}.`
    assert.equal(ended(message, { nodeTimeoutMs: 61_000 }), undefined)
    assert.match(ended(message, { nodeTimeoutMs: 10_000 }) ?? '', /within 10s/)
    assert.equal(ended(message, {}, { since: 1_000 }), undefined)
  })

  for (const [what, message] of [
    ['is full', '1 Insufficient cpu'],
    ['is cordoned', '1 node(s) were unschedulable'],
    ['comes up', '1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }'],
  ] as const) {
    it(`waits where a node ${what}`, () => {
      const text = `0/3 nodes are available: ${message}, 2 node(s) ${other}. ${preemption}`
      assert.equal(ended(text), undefined)
    })
  }

  it('waits where an autoscaler says that it adds one, and where there is no node at all', () => {
    const message = `0/1 nodes are available: 1 node(s) ${other}.`
    assert.equal(ended(message, {}, { nodeComing: true }), undefined)
    assert.equal(ended('no nodes available to schedule pods'), undefined)
    assert.equal(ended('0/2 nodes are available: 2 node(s) had untolerated taint(s).'), undefined)
  })

  it('waits for a node without a platform, or with crossBuild, as for capacity', () => {
    const message = `0/1 nodes are available: 1 node(s) ${other}.`
    assert.equal(ended(message, { platform: undefined }), undefined)
    assert.equal(ended(message, { crossBuild: true }), undefined)
  })
})
