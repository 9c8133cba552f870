import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { jobName } from '../../src/builds/build.ts'
import { connectPatient } from '../../src/queue/redis.ts'
import { eventually } from '../support/eventually.ts'
import { runCommand } from '../support/run-kanihook.ts'
import { install, type Installation } from './cli/installation.ts'

/** An entry with a namespace of its own, on a cluster that is a stand-in: nothing runs in it. */

const namespace = 'acme-builds'
const ofTenant = 'the-login-of-the-tenant'
const ofOthers = 'the-login-of-the-others'
let its: Installation

before(async () => {
  its = await install(
    `repositories: [{ match: "**", branches: ["**"], namespace: ${namespace}, pushSecret: registry, images: [{ name: app, destination: "registry.example.com/{owner}/{repo}" }] }]`,
  )
  const login = (password: string) => ({
    '.dockerconfigjson': JSON.stringify({ auths: { 'registry.example.com': { password } } }),
  })
  its.cluster.putSecret('registry', login(ofTenant), namespace, 'kubernetes.io/dockerconfigjson')
  its.cluster.putSecret(
    'registry',
    login(ofOthers),
    'kanihook-builds',
    'kubernetes.io/dockerconfigjson',
  )
})
after(() => its?.close())

test('a build runs in the namespace of its entry, and by the Secrets there', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  its.runner.byDefault(async (pod) => {
    await promise
    pod.clone()
    pod.begin('build')
    pod.log('build', `logins: ${ofTenant} ${ofOthers}`)
    pod.pushed()
  })
  const { id } = await its.push('main')
  const job = jobName({ id, image: 'app' }, 1)
  await eventually(() => its.cluster.job(job, namespace), { what: 'its Job' })
  assert.equal(its.cluster.job(job, 'kanihook-builds'), undefined)
  // The clone's login is in a Secret of the Job's name.
  await eventually(() => its.cluster.secret(job, namespace), { what: 'the Secret of its clone' })
  assert.equal(its.cluster.secret(job, 'kanihook-builds'), undefined)
  resolve()
  await its.reaches(id, 'succeeded')
  const { out } = await its.run('logs', id)
  // What is masked is what kanihook read.
  assert.ok(out.includes(`logins: *** ${ofOthers}`), out)
})

test('a build that is cancelled has its Job removed there', async () => {
  its.runner.byDefault(async (pod) => {
    pod.clone()
    pod.begin('build')
    await new Promise(() => {})
  })
  const { id } = await its.push('cancelled')
  await its.reaches(id, 'running')
  await its.run('cancel', id)
  await its.reaches(id, 'cancelled')
  assert.equal(its.cluster.job(jobName({ id, image: 'app' }, 1), namespace), undefined)
})

test('the records of builds there are made anew of their Jobs', async () => {
  its.runner.byDefault(async (pod) => {
    pod.clone()
    pod.begin('build')
    await new Promise(() => {})
  })
  const { id } = await its.push('restored')
  await its.reaches(id, 'running')
  const redis = connectPatient(its.settings['REDIS_URL'] ?? '')
  await redis.flushall()
  redis.disconnect()
  await eventually(async () => (await its.build(id).catch(() => undefined))?.state === 'running', {
    what: 'its record is there again',
    within: 30_000,
  })
})

test('plan shows the objects in that namespace', async () => {
  const { out } = await runCommand(
    ['plan', `${new URL(its.git.url).host}/acme/app`, 'main', '--output', 'yaml'],
    its.settings,
  )
  assert.match(out, new RegExp(`namespace: ${namespace}`))
  assert.doesNotMatch(out, /kanihook-builds/)
})
