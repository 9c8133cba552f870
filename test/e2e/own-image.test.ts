import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { createImageReader, type ImageConfig } from './support/image.ts'
import { ownImage, type OwnImage } from './support/own-image.ts'
import { onOwnNode } from './support/own-node.ts'
import { runWithTwoVariables } from './support/two-variables.ts'

/** The image of kanihook, built by kanihook in the cluster from this tree. */

await onOwnNode('kanihook’s own image', { timeout: 10 * 60_000 }, (cluster) => {
  let own: OwnImage
  let config: ImageConfig
  let entries: string[]

  const build = async (): Promise<void> => {
    const image = createImageReader(cluster.registry)
    own = await ownImage()
    config = await image.config(own.reference)
    const contents = await image.contents(own.reference)
    entries = contents.entries
    const size = entries.reduce((sum, entry) => sum + Number(entry.split(/\s+/)[2]), 0)
    console.log(
      `# its size: ${mebibytes(contents.bytes)} to pull, ${mebibytes(size)} on a node's disk`,
    )
  }
  before(build, { timeout: 10 * 60_000 })

  test('is built and pushed by kanihook from its own Dockerfile', () => {
    assert.equal(own.status.status, 'success', own.status.description)
    assert.match(own.status.description, /^Pushed /)
  })

  test('runs as a user with a number who is not root, and starts `kanihook serve` under an init', () => {
    assert.equal(config.User, '65532:65532')
    assert.deepEqual(config.Entrypoint, ['tini', '--', 'kanihook'])
    assert.deepEqual(config.Cmd, ['serve'])
  })

  test('says what it is and which commit it was built from', () => {
    const label = (name: string) => config.Labels?.[`org.opencontainers.image.${name}`]
    assert.equal(label('title'), 'kanihook')
    assert.equal(label('licenses'), 'Apache-2.0')
    assert.equal(label('version'), own.sha.slice(0, 12))
    assert.equal(label('revision'), own.sha)
  })

  test('leaves its health to Kubernetes’ probes', () => {
    assert.equal(config.Healthcheck, undefined)
  })

  test('holds no shell, no package manager, no compiler and no test', () => {
    const unwanted = entries.filter((entry) =>
      /\/(sh|bash|dash|busybox|apt(-get)?|dpkg|npm|npx|corepack|gcc|cc|make|python3?|perl|curl|wget)( -> .*)?$|\.test\.ts$/.test(
        entry,
      ),
    )
    assert.deepEqual(unwanted, [])
  })

  test('holds no file that gives its caller another’s rights', () => {
    const marked = entries.filter((entry) => /^[^d]..[sS]|^[^d].{5}[sS]/.test(entry))
    assert.deepEqual(marked, [])
  })

  test('works with two variables, a kanihook.yaml and a place for temporary files', async () => {
    const pod = await runWithTwoVariables(own)
    try {
      const body = JSON.stringify({ zen: 'x' })
      const answer = await eventually(() => pod.ping(body), {
        within: 60_000,
        every: 250,
        what: 'it answers a ping of GitHub',
      })
      assert.equal(answer, 200)
      await eventually(() => pod.isReady(), { within: 30_000, what: '/readyz answers 200' })
    } finally {
      await pod.remove()
    }
  })

  test('tells scanners which Debian packages its libraries are of', () => {
    for (const name of ['git', 'libc6', 'libssl3t64']) {
      assert.ok(
        entries.some((entry) => entry.endsWith(`var/lib/dpkg/status.d/${name}`)),
        name,
      )
    }
  })
})

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`
