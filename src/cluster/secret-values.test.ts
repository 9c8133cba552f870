import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import { imagePlan } from '../../test/support/samples.ts'
import { startKubernetes } from '../../test/stand-ins/kubernetes/index.ts'
import type { Build, ImagePlan } from '../builds/build.ts'
import { cloneValues, createSecretValues, loginValues, withArguments } from './secret-values.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

describe('the secret values of a registry login', () => {
  it('are passwords, tokens, and the two of them in base64', () => {
    const auths = {
      'registry.example.com': { auth: base64('robot:pass:word') },
      'other.example.com': { username: 'u', password: 'another-one', identitytoken: 'identity' },
    }
    assert.deepEqual(loginValues(JSON.stringify({ auths })), [
      base64('robot:pass:word'),
      'pass:word',
      'another-one',
      'identity',
    ])
  })

  it('leave out what is too short to be told from ordinary words', () => {
    const auths = { a: { auth: base64('u:p'), password: 'abcde', registrytoken: 'abcdef' } }
    assert.deepEqual(loginValues(JSON.stringify({ auths })), ['abcdef'])
  })

  it('are none where there is no login', () => {
    for (const config of ['', 'not JSON', 'null', '{}', '{"auths":[]}', '{"auths":{"a":{}}}']) {
      assert.deepEqual(loginValues(config), [])
    }
  })
})

describe('the values of build arguments that Secrets hold', () => {
  const args = { TOKEN: { secret: 'npm', key: 'token' } }
  const of = (data: Record<string, string> | undefined) =>
    withArguments(['of-the-login'], args, new Map([['npm', data]]))

  it('are masked beside the login, without the line break that a file ends with', () => {
    assert.deepEqual(of({ token: 'a-token\n', other: 'not-asked-for' }).values, [
      'of-the-login',
      'a-token',
      'a-token',
    ])
  })

  it('are masked line by line, as a log shows them', () => {
    const { values, missing } = of({ token: '--BEGIN--\nfirst-line\nx\n--END--' })
    assert.ok(['--BEGIN--', 'first-line', '--END--'].every((line) => values.includes(line)))
    assert.ok(!values.includes('x'))
    assert.equal(missing, undefined)
  })

  it('that are not there are named, with the build argument that wants them', () => {
    assert.equal(
      of(undefined).missing,
      'There is no Secret npm (buildArgs.TOKEN): make it in the build namespace',
    )
    assert.equal(
      of({ other: 'x' }).missing,
      'Secret npm has no key token (buildArgs.TOKEN): add it',
    )
  })
})

test('of a build all of its logins are masked, whichever container has them', async () => {
  const kubernetes = await startKubernetes({ runner: async () => {} })
  const login = (password: string) => ({
    '.dockerconfigjson': JSON.stringify({
      auths: { 'r.io': { auth: base64(`robot:${password}`) } },
    }),
  })
  try {
    for (const name of ['push', 'pull', 'database']) kubernetes.putSecret(name, login(`of-${name}`))
    kubernetes.putSecret('clone', { username: 'robot', password: 'of-clone' })
    kubernetes.putSecret('npm', { token: 'of-argument' })
    const { of } = createSecretValues({
      kubeConfig: kubernetes.kubeConfig(),
      namespace: 'kanihook-builds',
    })
    const plan: ImagePlan = {
      ...imagePlan,
      pushSecret: 'push',
      pullSecret: 'pull',
      cloneSecret: 'clone',
      scan: { severities: ['HIGH'], onFindings: 'fail', database: { secret: 'database' } },
      secretBuildArgs: { TOKEN: { secret: 'npm', key: 'token' } },
    }
    const { values } = await of({ plan } as Build)
    for (const name of ['push', 'pull', 'database', 'clone', 'argument']) {
      assert.ok(values.includes(`of-${name}`), name)
    }
  } finally {
    await kubernetes.stop()
  }
})

test('every line of an SSH key is masked, and the token of a clone, whose name is not', () => {
  const key = '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE\nAAAABG5vbmU\n'
  const values = cloneValues({ 'ssh-privatekey': key, known_hosts: 'git.acme.io ssh-ed25519 A' })
  for (const line of ['b3BlbnNzaC1rZXktdjE', 'AAAABG5vbmU']) assert.ok(values.includes(line))
  assert.ok(!values.some((value) => value.includes('ssh-ed25519')))
  assert.deepEqual(cloneValues({ username: 'robot-name', password: 'a-token' }), [
    'a-token',
    'a-token',
  ])
})
