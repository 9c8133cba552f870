import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { V1Job, V1Secret } from '@kubernetes/client-node'
import { parse, parseAllDocuments } from 'yaml'
import { hangs } from '../../stand-ins/kubernetes/index.ts'
import { eventually } from '../../support/eventually.ts'
import { runCommand } from '../../support/run-kanihook.ts'
import { forgeToken, install, path, type Installation } from './installation.ts'

/** `kanihook plan`, beside a kanihook that does what it says. */

let its: Installation
let host: string

before(async () => {
  its = await install(`
registries: [{ host: "registry.example.com:5000", insecure: true }]
repositories:
  - match: "**/acme/app"
    branches: [main, "release/*"]
    tags: ["v*"]
    pullRequests: trusted
    pushSecret: registry-credentials
    images:
      - name: app
        destination: registry.example.com:5000/acme/app
        labels: { odd: "on", time: "1:30", branch: "{branch}" }
        buildArgs: { VERSION: "{shortSha}" }
        cache: { enabled: true }
        resources: { limits: { memory: 4Gi } }
        platforms: [linux/amd64]
      - name: docs
        destination: registry.example.com:5000/acme/docs
        tags: ["{branch}"]
        context: docs
        paths: { include: ["docs/**"] }
      - name: "on"
        destination: registry.example.com:5000/acme/on
        tags: ["{sha}"]
  - match: "**/acme/default"
    destination: registry.example.com:5000/acme/default
  - match: "**/acme/tekton"
    branches: [main]
    images:
      - name: app
        destination: registry.example.com:5000/acme/tekton
        backend: tekton
  - match: "**/acme/two"
    branches: [main]
    images:
      - name: app
        destination: registry.example.com:5000/acme/two
        platforms: [linux/amd64, linux/arm64]
`)
  host = new URL(its.git.url).host
})
after(() => its?.close())

/** Runs it as the worker would be run, but with neither Redis nor a cluster. */
async function plan(...args: string[]) {
  const { REDIS_URL: _, KUBECONFIG: __, ...settings } = its.settings
  const ran = await runCommand(['plan', ...args], settings)
  assert.ok(!/canary/.test(`${ran.out}${ran.err}`), 'a secret is shown')
  return ran
}

const commit = (
  ref: string,
  repository = path,
  files: Readonly<Record<string, string>> = {},
): Promise<string> =>
  its.git.commit(`${repository}.git`, { Dockerfile: 'FROM scratch', ref, ...files }, { ref })

const objectsOf = (yaml: string): (V1Job | V1Secret)[] =>
  parseAllDocuments(yaml).flatMap((document) => {
    const object = document.toJS() as V1Job | V1Secret | null
    return object === null ? [] : [object]
  })

describe('kanihook plan -o yaml', () => {
  it('prints the very Job that a worker makes for the same push, but for the ids and the time', async () => {
    its.runner.byDefault(hangs)
    const { id, sha } = await its.push('main')
    const made = await eventually(() => its.cluster.job(`kanihook-app-${id}-1`))
    const ran = await plan(`${host}/${path}`, 'main', '-o', 'yaml')
    assert.equal(ran.code, 0, ran.err)
    const planned = objectsOf(ran.out).filter(
      ({ kind, metadata }) => kind === 'Job' && metadata?.labels?.['kanihook.dev/image'] === 'app',
    )
    assert.equal(planned.length, 1)
    assert.deepEqual(comparable(planned[0]!), comparable(made))
    assert.ok(JSON.stringify(planned[0]).includes(sha))
    await its.run('cancel', id)
  })

  it('prints a TaskRun where the image says backend: tekton, and how both objects go', async () => {
    await commit('refs/heads/main', 'acme/tekton')
    const { out, code } = await plan(`${host}/acme/tekton`, 'main', '-o', 'yaml')
    assert.equal(code, 0)
    const [secret, run, ...more] = objectsOf(out)
    assert.deepEqual(more, [])
    assert.equal(`${run?.apiVersion} ${run?.kind}`, 'tekton.dev/v1 TaskRun')
    assert.equal(secret?.metadata?.name, run?.metadata?.name)
    assert.match(out, /^# {3}kubectl --namespace \S+ delete taskrun,secret kanihook-app-/m)
  })

  it('prints a Job for each platform and that of the index, with its digests to be filled in', async () => {
    await commit('refs/heads/main', 'acme/two')
    const { out, code } = await plan(`${host}/acme/two`, 'main', '-o', 'yaml')
    assert.equal(code, 0)
    const objects = objectsOf(out)
    const kinds = objects.map(({ kind }) => kind)
    assert.deepEqual(kinds, ['Secret', 'Job', 'Secret', 'Job', 'Job'])
    const parts = objects.flatMap(({ kind, metadata }) =>
      kind === 'Job' ? [metadata?.annotations?.['kanihook.dev/part']] : [],
    )
    assert.deepEqual(parts, ['linux/amd64', 'linux/arm64', 'index'])
    assert.match(
      out,
      /^# Makes the index of what the Jobs above have pushed\. Fill in their digests/m,
    )
  })

  it('prints a login for the clone that holds no password, for the very Job', async () => {
    const { out } = await plan(`${host}/${path}`, 'main', '-o', 'yaml')
    const [secret, job] = objectsOf(out) as [V1Secret, V1Job]
    assert.deepEqual(
      [secret.kind, secret.metadata?.name, secret.metadata?.namespace],
      ['Secret', job.metadata?.name, job.metadata?.namespace],
    )
    assert.deepEqual(secret.stringData, { GIT_USERNAME: 'kanihook', GIT_PASSWORD: '' })
    assert.equal(secret.metadata?.ownerReferences, undefined)
  })

  it('can be created as it is', async () => {
    const { out } = await plan(`${host}/${path}`, 'main', '-o', 'yaml')
    const headers = {
      authorization: 'Bearer stand-in-token',
      'content-type': 'application/json',
    }
    for (const object of objectsOf(out)) {
      const place = object.kind === 'Job' ? 'apis/batch/v1' : 'api/v1'
      const plural = object.kind === 'Job' ? 'jobs' : 'secrets'
      const { namespace } = object.metadata ?? {}
      const url = `${its.cluster.url}/${place}/namespaces/${namespace}/${plural}`
      const body = JSON.stringify(object)
      assert.equal((await fetch(url, { method: 'POST', headers, body })).status, 201)
    }
  })

  it('keeps texts that YAML 1.1 would read as something else', async () => {
    const { out } = await plan(`${host}/${path}`, 'main', '-o', 'yaml')
    // It would be a boolean, which no label is.
    assert.match(out, /kanihook\.dev\/image: "on"/)
    for (const document of out.split('\n---\n').slice(1)) {
      assert.deepEqual(parse(document, { version: '1.1' }), parse(document))
    }
  })
})

/** What only the cluster or only a running kanihook knows is made the same. */
function comparable(object: V1Job | V1Secret): unknown {
  const { status: _, ...job } = structuredClone(object) as V1Job
  const { name, namespace, labels, annotations = {} } = job.metadata ?? {}
  for (const key of ['generation', 'repository-id', 'cause']) {
    assert.ok(annotations[`kanihook.dev/${key}`] !== undefined, key)
    annotations[`kanihook.dev/${key}`] = '…'
  }
  const id = labels?.['kanihook.dev/build'] ?? ''
  assert.match(id, /^[0-9a-f]{16}$/)
  const metadata = { name, namespace, labels, annotations }
  return JSON.parse(
    JSON.stringify({ ...job, metadata })
      .replaceAll(id, '<id>')
      // Each was planned at its own time.
      .replaceAll(/(image\.created(?:=|\\":\\"))[\dTZ:-]+/g, '$1<time>'),
  )
}

describe('kanihook plan', () => {
  it('says what a branch would build and why, where it is pushed, and how paths count', async () => {
    const sha = await commit('refs/heads/release/1')
    const { code, out } = await plan(`${host}/${path}`, 'release/1')
    assert.equal(code, 0)
    for (const part of [
      `${host}/${path}: the entry **/acme/app decides`,
      `refs/heads/release/1 at ${sha}`,
      '  built: branch "release/1" is in branches [main, release/*]',
      '    pushes  registry.example.com:5000/acme/app:release-1',
      `    pushes  registry.example.com:5000/acme/app:${sha.slice(0, 12)}`,
      '    with    the Secret registry-credentials',
      '    paths   compared with nothing: ',
    ]) {
      assert.ok(out.includes(part), `${part}\nin\n${out}`)
    }
  })

  it('says why a branch is not built', async () => {
    await commit('refs/heads/feature')
    const { code, out } = await plan(`${host}/${path}`, 'feature')
    assert.equal(code, 1)
    assert.match(out, /^ {2}not built: branch "feature" is not in branches \[main, release\/\*\]$/m)
    const yaml = await plan(`${host}/${path}`, 'feature', '-o', 'yaml')
    assert.deepEqual([yaml.code, objectsOf(yaml.out)], [1, []])
  })

  it('says what a pull request would build, where a branch of the repository is at its commit', async () => {
    const sha = await its.git.commit(
      `${path}.git`,
      { Dockerfile: 'FROM scratch' },
      { ref: 'refs/heads/topic', alsoAt: 'refs/pull/12/head' },
    )
    const { code, out } = await plan(`${host}/${path}`, 'pr:12')
    assert.equal(code, 0, out)
    for (const part of [
      `refs/pull/12/head at ${sha}`,
      '  built: pull request 12, should the branch that it is to be merged into be built',
      `    pushes  registry.example.com:5000/acme/app:${sha.slice(0, 12)}`,
      '  image docs: fails: No tag of [{branch}] has a value on a pull request',
    ]) {
      assert.ok(out.includes(part), `${part}\nin\n${out}`)
    }
    const forked = await its.git.commit(
      `${path}.git`,
      { Dockerfile: 'FROM scratch', of: 'a stranger' },
      { ref: 'refs/pull/13/head' },
    )
    const none = await plan(`${host}/${path}`, 'refs/pull/13/head')
    assert.equal(none.code, 1)
    assert.ok(none.out.includes(`refs/pull/13/head at ${forked}`))
    assert.match(
      none.out,
      /not built: pull request 13: no branch of the repository itself points at/,
    )
    assert.match((await plan(`${host}/${path}`, 'pr:14')).out, /has no pull request pr:14/)
  })

  it('says which image of a tag cannot be built', async () => {
    await commit('refs/tags/v1.2.3')
    const { code, out } = await plan(`${host}/${path}`, 'v1.2.3')
    assert.equal(code, 0)
    assert.match(out, /^ {4}pushes {2}registry\.example\.com:5000\/acme\/app:v1\.2\.3$/m)
    assert.match(out, /^ {2}image docs: fails: No tag of \[\{branch\}\] has a value on a tag/m)
  })

  it('takes a commit for the refs that point at it, also by its first digits', async () => {
    const sha = await commit('refs/heads/release/2')
    const whole = await plan(`${host}/${path}`, sha, '-o', 'json')
    const short = await plan(`${host}/${path}`, sha.slice(0, 8), '-o', 'json')
    const { refs } = JSON.parse(short.out) as { refs: { ref: string; sha: string }[] }
    assert.deepEqual(
      refs.map(({ ref, sha }) => [ref, sha]),
      [['refs/heads/release/2', sha]],
    )
    assert.equal(whole.code, 0)
    const other = await plan(`${host}/${path}`, 'deadbeef')
    assert.equal(other.code, 1)
    assert.match(other.out, /none that points at such a commit: nothing is built$/)
  })

  it('says what the repository itself says of an image, or what is wrong with that', async () => {
    const own = { '.kanihook.yaml': 'images: [{ name: docs, context: manual, target: html }]' }
    await commit('refs/heads/release/3', path, own)
    const { out } = await plan(`${host}/${path}`, 'release/3')
    assert.match(
      out,
      /image docs\n[^]*from {4}manual\/Dockerfile, context manual\n[^]* own {5}context, target: by the repository's \.kanihook\.yaml/,
    )
    const json = await plan(`${host}/${path}`, 'release/3', '-o', 'json')
    const { refs } = JSON.parse(json.out) as { refs: { images: { repositoryFile: string[] }[] }[] }
    assert.deepEqual(
      refs[0]?.images.map(({ repositoryFile }) => repositoryFile),
      [[], ['context', 'target'], []],
    )
    await commit('refs/heads/release/4', path, { '.kanihook.yaml': 'cache: {}' })
    const faulty = await plan(`${host}/${path}`, 'release/4')
    assert.equal(faulty.code, 1)
    assert.match(faulty.out, /image app: fails: \.kanihook\.yaml line 1: cache: only the kanihook/)
  })

  it('asks git for the default branch where the entry names none', async () => {
    await commit('refs/heads/master', 'acme/default')
    await commit('refs/heads/other', 'acme/default')
    const { code, out } = await plan(`${host}/acme/default`, 'master')
    assert.equal(code, 0, out)
    assert.match(out, /^ {2}built: branch "master" is the default branch$/m)
    const other = await plan(`${host}/acme/default`, 'other')
    assert.match(other.out, /not built: branch "other" is not the default branch "master"$/m)
  })

  it('does not ask git about what no entry matches', async () => {
    const before = its.git.logins.length
    const { code, out } = await plan(`${host}/acme/nothing`, 'main')
    assert.equal(code, 1)
    assert.match(out, /^No entry of .*kanihook\.yaml matches .*\/acme\/nothing$/)
    assert.equal(its.git.logins.length, before)
  })

  it('says what git refuses, and what is not understood', async () => {
    const gone = await runCommand(['plan', `${host}/${path}`, 'main'], {
      ...its.settings,
      GITEA_TOKEN: 'canary-of-another-token',
    })
    assert.equal(gone.code, 69)
    assert.match(gone.err, /^kanihook: Git refused access to .*: check the forge token/)
    assert.ok(!gone.err.includes('canary'))
    const elsewhere = await plan('github.com/acme/app', 'main')
    assert.equal(elsewhere.code, 69)
    assert.match(elsewhere.err, /^kanihook: no forge is configured at github\.com: there is 127/)
    for (const name of ['acme', `https://${host}/${path}`, `${host}/../app`, `${host}/acme`]) {
      assert.equal((await plan(name, 'main')).code, 64, name)
    }
    const { GITEA_TOKEN: _, ...tokenless } = its.settings
    const unset = await runCommand(['plan', `${host}/${path}`, 'main'], tokenless)
    assert.equal(unset.code, 78)
    assert.match(unset.err, /GITEA_TOKEN is missing/)
  })

  it('says that a name is a branch and a tag', async () => {
    await commit('refs/heads/both')
    await commit('refs/tags/both')
    const { code, err } = await plan(`${host}/${path}`, 'both')
    assert.equal(code, 64)
    assert.match(err, /write refs\/heads\/both or refs\/tags\/both/)
    const full = await plan(`${host}/${path}`, 'refs/heads/both')
    assert.equal(full.code, 1)
  })

  it('gives git the login of the forge', () => {
    const login = Buffer.from(`kanihook:${forgeToken}`).toString('base64')
    assert.ok(its.git.logins.includes(`Basic ${login}`))
  })
})
