import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { GiteaStatus } from '../stand-ins/gitea/stand-in.ts'
import { eventually } from '../support/eventually.ts'
import { forgeToken, install, path, type Installation } from './cli/installation.ts'

/** A repository of two dozen images, on a real Redis and git and on stand-ins for the cluster and the forge. */

const names = Array.from({ length: 24 }, (_, i) => `s${i}`)
const atOnce = 5
const files = Object.fromEntries(names.map((name) => [`${name}/x`, '1']))

let its: Installation
/** Jobs whose pods run, every one that there was, and the most that ever ran at once. */
const running = new Set<string>()
const made = new Set<string>()
let most = 0
const released = Promise.withResolvers<void>()

before(async () => {
  const images = names.map(
    (name) =>
      `{ name: ${name}, destination: r.io/acme/${name}, tags: ["{branch}"], paths: { include: ["${name}/**"] } }`,
  )
  const entries = `repositories: [{ match: "**/acme/app", images: [${images.join(', ')}] }]`
  its = await install(entries, { MAX_BUILDS: `${atOnce}` })
  its.runner.byDefault(async (pod) => {
    pod.clone()
    pod.begin('build')
    made.add(pod.job)
    running.add(pod.job)
    most = Math.max(most, running.size)
    await released.promise
    running.delete(pod.job)
    pod.pushed()
  })
})
after(() => its?.close())

/** What the commit shows under each context, once every image has ended. The stand-in knows no pages. */
const ended = (sha: string): Promise<Map<string, GiteaStatus>> =>
  eventually(
    async () => {
      const url = `${its.settings['GITEA_API_URL']}/repos/${path}/statuses/${sha}`
      const answer = await fetch(url, { headers: { authorization: `token ${forgeToken}` } })
      const statuses = ((await answer.json()) as GiteaStatus[]).toSorted((a, b) => a.id - b.id)
      const shown = new Map(statuses.map((status) => [status.context, status]))
      const all = [...shown.values()]
      return all.length === names.length && all.every(({ status }) => status !== 'pending')
        ? shown
        : undefined
    },
    { within: 90_000, every: 250, what: 'every image of the commit has ended' },
  )

test('two dozen images are built side by side, as many at once as may be, each with a status of its own', async () => {
  const { sha } = await its.push('main', 's0', files)
  await eventually(() => running.size === atOnce, { within: 30_000, what: 'some are built' })
  released.resolve()
  const statuses = await ended(sha)
  assert.deepEqual(
    [...statuses.keys()].toSorted(),
    names.map((name) => `kanihook/${name}`).toSorted(),
  )
  for (const { status, description } of statuses.values()) {
    assert.equal(status, 'success')
    assert.match(description, /^Pushed r\.io\/acme\/s\d+:main /)
  }
  assert.equal(most, atOnce)
  assert.equal(made.size, names.length)
})

test('the next push builds those whose files it touched, and the others say that they were skipped', async () => {
  const { sha } = await its.push('main', 's0', { ...files, 's3/x': '2', 's17/y': '1' })
  const statuses = await ended(sha)
  const built = [...statuses].filter(([, { description }]) => !description.startsWith('Skipped'))
  assert.deepEqual(built.map(([context]) => context).toSorted(), ['kanihook/s17', 'kanihook/s3'])
  assert.ok([...statuses.values()].every(({ status }) => status === 'success'))
  assert.equal(made.size, names.length + 2)
})
