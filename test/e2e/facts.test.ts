import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { largeContext } from '../../src/builds/remarks.ts'
import { runCommand } from '../support/run-kanihook.ts'
import { createWorld, type World } from './support/world.ts'

/** What a build is seen to run and to build from, on the page that its status leads to. */

let world: World

before(async () => {
  world = await createWorld({
    repositories: ({ registry, forgeHost }) => `
  - match: "${forgeHost}/dev/*"
    images: [{ name: app, destination: "${registry}/dev/{repo}", tags: ["{branch}"], context: app }]
`,
  })
})
after(async () => world?.close())

/** Pushes a context of so many files; returns the page and what `kanihook logs` tells beside the log. */
async function built(files: Readonly<Record<string, string>>) {
  const repository = await world.repository('facts')
  const sha = await repository.commit({
    'app/Dockerfile': `FROM ${world.cluster.baseImage}\nCOPY Dockerfile /\n`,
    ...Object.fromEntries(Array.from({ length: largeContext.files }, (_, i) => [`app/f/${i}`, ''])),
    ...files,
  })
  await repository.push('main')
  const { status, description, target_url } = await world.ended(repository, sha)
  assert.equal(status, 'success', description)
  const [, id = ''] = /\/builds\/([0-9a-f]+)\//.exec(target_url) ?? []
  const { err } = await runCommand(['logs', id], { KANIHOOK_URL: world.kanihook.adminUrl })
  return { page: await (await fetch(target_url)).text(), told: err, id, path: repository.path }
}

const remark = 'and no .dockerignore: name what the Dockerfile does not need in app/.dockerignore'

test('a context of many files without a .dockerignore is remarked on, and is no failure', async () => {
  const { page, told, id } = await built({})
  assert.match(page, /Worth a look/)
  assert.match(page, new RegExp(`Context: \\d+ MiB in 10,001 files, ${remark}`))
  assert.match(told, new RegExp(`^Worth a look: Context: .*${remark}$`, 'm'))

  const pods = await world.pods()
  const pod = pods.find(({ metadata }) => metadata?.labels?.['kanihook.dev/build'] === id)
  const { initContainerStatuses = [], containerStatuses = [] } = pod?.status ?? {}
  for (const { name, imageID } of [...initContainerStatuses, ...containerStatuses]) {
    assert.ok(imageID.length > 20)
    assert.match(page, new RegExp(`Ran as ${name}</dt>\\s*<dd><code>${imageID}`))
  }
})

test('with one it is not', async () => {
  const { page, told, path } = await built({ 'app/.dockerignore': 'f\n' })
  assert.ok(!page.includes('Worth a look'))
  assert.ok(!told.includes('Worth a look'))

  const metrics = await (await fetch(`${world.kanihook.adminUrl}/metrics`)).text()
  const repository = `${world.forgeHost}/${path}`
  const labels = `{state="succeeded",repository="${repository}",image="app"}`
  assert.ok(metrics.includes(`kanihook_builds_total${labels} 1\n`), metrics)
  for (const count of [
    'build_step_duration_seconds_count{step="cloning"}',
    'push_status_seconds_count{status="first"}',
    'push_status_seconds_count{status="last"}',
  ]) {
    assert.ok(metrics.includes(`kanihook_${count} 2\n`), count)
  }
})
