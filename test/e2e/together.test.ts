import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { jobName } from '../../src/builds/build.ts'
import { explainClone } from '../../src/builds/clone-failures.ts'
import { createKubernetesCluster } from '../../src/cluster/kubernetes-cluster.ts'
import { realCluster } from '../contracts/cluster/real.ts'
import { eventually } from '../support/eventually.ts'
import { createWorld, type World } from './support/world.ts'

/** Clone and Kaniko started together, as KANIKO_SHELL has it: what is built, and what a RUN step can see. */

let world: World

before(async () => {
  world = await createWorld({
    settings: () => ({ KANIKO_SHELL: '/busybox/sh' }),
    repositories: ({ registry, forgeHost }) => `
  - match: "${forgeHost}/dev/late-*"
    images: [{ name: app, destination: "${registry}/dev/{repo}", tags: ["{branch}"], timeout: 15s }]
  - match: "${forgeHost}/dev/*"
    images: [{ name: app, destination: "${registry}/dev/{repo}", tags: ["{branch}"] }]
`,
  })
})
after(async () => world?.close())

async function built(name: string, dockerfile: string) {
  const repository = await world.repository(name)
  const sha = await repository.commit({ Dockerfile: dockerfile, 'content.txt': 'by a push' })
  await repository.push('main')
  const end = await world.ended(repository, sha)
  const [, id = ''] = /\/builds\/([0-9a-f]+)\//.exec(end.target_url) ?? []
  const reference = `${world.cluster.registry.host}/${repository.path}:main`
  const page = await (await fetch(end.target_url)).text()
  return { ...end, id, page, reference }
}

test('an image is built of the commit, by containers that were started side by side', async () => {
  const { status, description, id, reference, page } = await built(
    'together',
    `FROM ${world.cluster.baseImage}\nCOPY content.txt /content.txt\nRUN test -s /content.txt\n`,
  )
  assert.equal(status, 'success', description)
  assert.equal(await world.image.file(reference, 'content.txt'), 'by a push')
  for (const step of ['Cloning', 'Building']) assert.ok(page.includes(step), step)

  const pods = await world.pods()
  const pod = pods.find(({ metadata }) => metadata?.labels?.['kanihook.dev/build'] === id)
  assert.equal(pod?.spec?.initContainers, undefined)
  assert.deepEqual(pod?.spec?.containers.map(({ name }) => name).toSorted(), ['build', 'clone'])
  const { entries } = await world.image.contents(reference)
  assert.deepEqual(
    entries.filter((entry) => /busybox\/|kanihook/.test(entry)),
    [],
  )
})

test('a RUN step sees nothing of the login that the clone had', async () => {
  const { status, description, reference } = await built(
    'unseen',
    `FROM ${world.cluster.baseImage}
RUN cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\\0' '\\n' > /seen
RUN find /kanihook -type f | xargs tail -n +1 >> /seen
`,
  )
  assert.equal(status, 'success', description)
  const seen = await world.image.file(reference, 'seen')
  // It has looked: at Kaniko's own process, and at what is mounted beside it.
  for (const there of [
    'DOCKER_CONFIG=',
    '/kaniko/executor',
    'by a push',
    '/kanihook/gate/cloned',
  ]) {
    assert.ok(seen.includes(there), there)
  }
  const { token } = world.cluster.gitea
  for (const secret of ['GIT_PASSWORD', token, Buffer.from(token).toString('base64')]) {
    assert.ok(!seen.includes(secret), 'the login of the clone is there')
  }
})

test('a clone that fails is told as such, and the container that waited for it ends by itself', async () => {
  const under = await realCluster(world.cluster)
  const cluster = createKubernetesCluster({
    ...under,
    kanikoShell: '/busybox/sh',
    registries: () => under.registries,
  })
  const request = await under.request('succeeds')
  const build = { ...request.build, sha: 'b'.repeat(40) }
  const job = jobName(build, request.tries)
  const patience = AbortSignal.timeout(under.patienceMs)
  try {
    await cluster.start({ ...request, build })
    const { phase, ends } = await eventually(
      async () => {
        const seen = await cluster.observe(job)
        return seen.ends.build ? seen : undefined
      },
      { within: under.patienceMs, what: 'both containers have ended' },
    )
    assert.deepEqual([phase, ends.build?.exitCode], ['ended', 125])
    assert.ok(ends.clone && ends.clone.exitCode !== 0)
    const log: string[] = []
    for await (const { text } of cluster.logs(job, 'clone', patience)) log.push(text)
    assert.match(explainClone(ends.clone, build, log).reason, /^Commit b+ is no longer in /)
  } finally {
    await cluster.remove(job, patience)
    await under.close()
  }
})

test('what takes too long is ended, with its pod', async () => {
  const { description, id } = await built('late', `FROM ${world.cluster.baseImage}\nRUN sleep 60\n`)
  assert.match(description, /^Timed out after 15s/)
  const left = (await world.pods()).filter(
    ({ metadata }) => metadata?.labels?.['kanihook.dev/build'] === id,
  )
  assert.deepEqual(left, [])
})
