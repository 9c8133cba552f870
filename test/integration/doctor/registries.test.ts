import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { CoreV1Api } from '@kubernetes/client-node'
import { runChecks } from '../../../src/doctor/checks.ts'
import { createPushSecrets } from '../../../src/doctor/push-secrets.ts'
import { pullSecretChecks, registryChecks } from '../../../src/doctor/registries.ts'
import type { RegistryGroup } from '../../../src/doctor/registry-targets.ts'
import {
  createScriptedRunner,
  Refusal,
  startKubernetes,
  type Kubernetes,
} from '../../stand-ins/kubernetes/index.ts'
import {
  startRegistryStandIn,
  type RegistryOptions,
  type RegistryStandIn,
} from '../../stand-ins/registry.ts'
import { freePort } from '../../support/free-port.ts'
import { keyAndCertificate } from '../../support/untrusted-certificate.ts'

/** What is found out about a registry and the login for it. The registry is a stand-in. */

const username = 'builder'
const password = 'canary-registry-password'
const secret = 'registry-credentials'
const namespace = 'kanihook-builds'

describe('a registry', () => {
  const open: { close(): Promise<void> }[] = []
  afterEach(async () => {
    await Promise.all(open.splice(0).map((server) => server.close()))
  })

  const start = async (options: Partial<RegistryOptions> = {}): Promise<RegistryStandIn> => {
    const registry = await startRegistryStandIn({ login: 'basic', username, password, ...options })
    open.push(registry)
    return registry
  }

  const cluster = async (): Promise<Kubernetes> => {
    const kubernetes = await startKubernetes({ runner: createScriptedRunner().run })
    open.push({ close: () => kubernetes.stop() })
    return kubernetes
  }

  const dockerConfig = (host: string, login: object): Record<string, string> => ({
    '.dockerconfigjson': JSON.stringify({ auths: { [host]: login } }),
  })
  const auth = (secretPart = password): { auth: string } => ({
    auth: Buffer.from(`${username}:${secretPart}`).toString('base64'),
  })

  it('whose login is that of a ServiceAccount is not tried, unless the Secret holds one', async () => {
    const { host } = await start()
    const untried =
      /^warning: .*not checked: builds log in as the ServiceAccount pusher, which only their pods can/
    const account = { host, serviceAccountName: 'pusher' }
    const [alone, ...none] = await look({ ...account, secret: undefined }, undefined)
    assert.match(alone ?? '', untried)
    assert.deepEqual(none, [])
    const [other] = await look(account, dockerConfig('other.example.com', auth()))
    assert.match(other ?? '', untried)
    const [held] = await look(account, dockerConfig(host, auth()))
    assert.match(held ?? '', /^ok: .*may push to acme\/app/)
    const [missing] = await look(account, undefined)
    assert.match(missing ?? '', /there is no Secret registry-credentials/)
  })

  /** The lines of one registry. `data`: what the push Secret holds; undefined: there is no Secret. */
  async function look(
    group: Partial<RegistryGroup> & Pick<RegistryGroup, 'host'>,
    data: Readonly<Record<string, string>> | undefined,
    kubernetes?: Kubernetes,
  ): Promise<string[]> {
    const api = kubernetes ?? (await cluster())
    if (data) api.putSecret(secret, data)
    const groups: RegistryGroup[] = [
      {
        secret,
        key: 'pushSecret',
        names: ['acme/app'],
        templates: [],
        insecure: true,
        skipTlsVerify: false,
        ...group,
      },
    ]
    const pushSecrets = createPushSecrets(api.kubeConfig().makeApiClient(CoreV1Api), namespace)
    const reached = Promise.resolve({ reached: true })
    const checks = registryChecks({ groups, pushSecrets, reached })
    const { findings } = await runChecks(checks, 5_000)
    assert(!JSON.stringify(findings).includes(password), 'the password is shown')
    assert(!JSON.stringify(findings).includes(auth().auth), 'the login is shown')
    return findings.map(
      ({ subject, severity, message, fix }) =>
        `${severity}: ${subject}: ${message}${fix === undefined ? '' : ` → ${fix}`}`,
    )
  }

  for (const login of ['basic', 'bearer'] as const) {
    describe(`with a ${login} login`, () => {
      it('that may push is fine, and nothing is left behind', async () => {
        const registry = await start({ login })
        const { host } = registry
        const lines = await look(
          { host, names: ['acme/app', 'acme/web'] },
          dockerConfig(host, auth()),
        )
        assert.deepEqual(lines, [
          `ok: ${host}: the login of the Secret ${secret} may push to acme/app, acme/web`,
        ])
        assert.equal(registry.uploads.size, 0)
        const writes = registry.requests.filter((line) => /^(PUT|PATCH)/.test(line))
        assert.deepEqual(writes, [])
      })

      it('that may not push to one image names that image', async () => {
        const { host } = await start({ login, mayPush: (name) => name !== 'acme/web' })
        const lines = await look(
          { host, names: ['acme/app', 'acme/web'] },
          dockerConfig(host, auth()),
        )
        assert.equal(lines.length, 2)
        assert.match(
          lines[1] ?? '',
          /^error: .*\/acme\/web: the login of the Secret .* may not push \(4\d\d \w+\) → give it write access to acme\/web$/,
        )
      })

      it('that is wrong is one line, however many images there are', async () => {
        const { host } = await start({ login })
        const wrong = dockerConfig(host, auth('not-the-password'))
        const lines = await look({ host, names: ['a', 'b', 'c'] }, wrong)
        assert.deepEqual(lines, [
          `error: ${host}: refuses the login of the Secret ${secret} (401 UNAUTHORIZED) → put the right user and password into it`,
        ])
      })

      it('that nobody gave it is a warning', async () => {
        const { host } = await start({ login })
        const lines = await look({ host, secret: undefined }, undefined)
        assert.equal(lines.length, 1)
        assert.match(
          lines[0] ?? '',
          /^warning: .*refuses pushes without a login .* → name a pushSecret/,
        )
      })

      it('is tried alone where the image depends on the repository', async () => {
        const registry = await start({ login })
        const { host } = registry
        const group = { host, names: [], templates: ['{owner}/{repo}'] }
        const lines = await look(group, dockerConfig(host, auth()))
        assert.match(
          lines[0] ?? '',
          /^ok: .* is taken; whether it may push to \{owner\}\/\{repo\} is seen/,
        )
        assert(!registry.requests.some((line) => line.startsWith('POST')))
        const wrong = await look(group, dockerConfig(host, auth('no')))
        assert.match(wrong[0] ?? '', /^error: .*refuses the login/)
      })
    })
  }

  it('that keeps the cache gets a login of another name than the push login', async () => {
    const { host } = await start()
    const [line] = await look({ host, secret: undefined, key: 'pullSecret' }, undefined)
    assert.match(
      line ?? '',
      /^warning: .* → name a pullSecret in kanihook\.yaml: kubectl .* docker-registry registry-reader .*, then pullSecret: registry-reader$/,
    )
    assert.doesNotMatch(line ?? '', /registry-credentials/)
  })

  it('of the database of scans whose Secret is missing gets the command for that registry', async () => {
    const kubernetes = await cluster()
    const pushSecrets = createPushSecrets(
      kubernetes.kubeConfig().makeApiClient(CoreV1Api),
      namespace,
    )
    const reached = Promise.resolve({ reached: true })
    const database = {
      key: 'scan.database.secret',
      name: 'mirror',
      registry: 'reg.acme.io',
    } as const
    const checks = pullSecretChecks({ secrets: [database], pushSecrets, reached })
    const { findings } = await runChecks(checks, 5_000)
    assert.equal(findings[0]?.subject, 'scan.database.secret mirror')
    assert.match(findings[0]?.fix ?? '', / docker-registry mirror --docker-server=reg\.acme\.io /)
  })

  it('that is open takes pushes from anybody', async () => {
    const { host } = await start({ login: 'none' })
    const lines = await look({ host, secret: undefined }, undefined)
    assert.deepEqual(lines, [`ok: ${host}: anybody may push to acme/app`])
  })

  it('takes a refresh token in place of a password', async () => {
    const { host } = await start({ login: 'bearer' })
    const lines = await look({ host }, dockerConfig(host, { identitytoken: password }))
    assert.match(lines[0] ?? '', /^ok: .* may push to acme\/app$/)
  })

  it('that makes no repositories by itself says so', async () => {
    const { host } = await start({ repositories: ['acme/other'] })
    const [line] = await look({ host }, dockerConfig(host, auth()))
    assert.match(line ?? '', /^error: .*the repository does not exist there \(404 NAME_UNKNOWN\)/)
  })

  describe('whose Secret', () => {
    it('is missing gets the command that makes it', async () => {
      const [line] = await look({ host: 'reg.acme.io' }, undefined)
      assert.match(
        line ?? '',
        /^error: reg\.acme\.io: there is no Secret registry-credentials in kanihook-builds/,
      )
      assert.match(
        line ?? '',
        /→ kubectl -n kanihook-builds create secret docker-registry registry-credentials --docker-server=reg\.acme\.io /,
      )
    })

    it('is of another type, or holds no JSON, gets the commands that make it anew', async () => {
      const [typed] = await look({ host: 'reg.acme.io' }, { 'config.json': '{}' })
      assert.match(
        typed ?? '',
        /^error: .*of the type Opaque\) has no \.dockerconfigjson → kubectl -n \S+ delete secret/,
      )
      const [text] = await look({ host: 'reg.acme.io' }, { '.dockerconfigjson': 'none' })
      assert.match(text ?? '', /^error: .*is not Docker's JSON → kubectl /)
    })

    it('holds logins for other hosts alone names these, and sends none of them', async () => {
      const registry = await start()
      const { host } = registry
      const [line] = await look({ host }, dockerConfig('reg.acme.io', auth()))
      assert.equal(
        line,
        `error: ${host}: the Secret ${secret} holds logins for reg.acme.io alone → add a login for ${host} to it (docs/recipes.md: Two registries at once), or name another Secret as pushSecret`,
      )
      assert.deepEqual(registry.requests, [])
      const [pull] = await look({ host, key: 'pullSecret' }, dockerConfig('reg.acme.io', auth()))
      assert.match(pull ?? '', /or name another Secret as pullSecret$/)
    })

    it("holds Docker Hub's login under another key beside others is not to be deleted", async () => {
      const auths = { 'docker.io': auth(), 'reg.acme.io': auth() }
      const [line] = await look(
        { host: 'docker.io' },
        { '.dockerconfigjson': JSON.stringify({ auths }) },
      )
      assert.match(
        line ?? '',
        /under docker\.io, .* → add a login for https:\/\/index\.docker\.io\/v1\/ to it/,
      )
      assert.doesNotMatch(line ?? '', /delete/)
    })

    it('names Docker Hub by another key than its own is told that key', async () => {
      const [line] = await look({ host: 'docker.io' }, dockerConfig('docker.io', auth()))
      assert.match(
        line ?? '',
        /^error: docker\.io: .*under docker\.io, .*Docker Hub's key is https:\/\/index\.docker\.io\/v1\//,
      )
      assert.match(line ?? '', /--docker-server=https:\/\/index\.docker\.io\/v1\/ /)
    })

    it('may not be read is a warning, as the cluster says what is missing', async () => {
      const kubernetes = await cluster()
      kubernetes.fault({ match: /secrets/, answer: new Refusal(403, 'Forbidden', 'no'), times: 9 })
      const [line] = await look({ host: 'reg.acme.io' }, undefined, kubernetes)
      assert.match(line ?? '', /^warning: .*not checked: .*this account may not read it/)
    })
  })

  describe('gets no login', () => {
    it('sent to a token server that is not HTTPS, unless it is marked insecure', async () => {
      const key = keyAndCertificate()
      const thief = await start({ login: 'bearer' })
      const registry = await start({
        login: 'bearer',
        tls: key,
        realm: `http://${thief.host}/token`,
      })
      const { host } = registry
      const group = { host, insecure: false, skipTlsVerify: true }
      const [line] = await look(group, dockerConfig(host, auth()))
      assert.match(
        line ?? '',
        /^error: .*wants its login sent to http:\/\/127\.0\.0\.1:\d+, which is not HTTPS/,
      )
      assert.deepEqual(thief.requests, [])
    })

    it('where it redirects to', async () => {
      const thief = await start()
      const headers = { location: `http://${thief.host}/v2/` }
      const { host } = await start({ broken: { status: 307, headers } })
      const [line] = await look({ host }, dockerConfig(host, auth()))
      assert.match(line ?? '', /^error: .*redirects to 127\.0\.0\.1:\d+, where no login is sent/)
      assert.deepEqual(thief.requests, [])
    })
  })

  it('of TLS is spoken to over TLS, and its certificate verified unless settings say else', async () => {
    const { host } = await start({ tls: keyAndCertificate() })
    const data = dockerConfig(host, auth())
    const [untrusted] = await look({ host, insecure: false }, data)
    assert.match(
      untrusted ?? '',
      /^error: .*its certificate is not trusted .* → .*skipTlsVerify: true/,
    )
    const [fine] = await look({ host, insecure: false, skipTlsVerify: true }, data)
    assert.match(fine ?? '', /^ok: /)
  })

  it('of plain HTTP that is not marked so gets the setting for it', async () => {
    const { host } = await start()
    const [line] = await look({ host, insecure: false }, dockerConfig(host, auth()))
    assert.match(
      line ?? '',
      /^error: .*does not speak HTTPS .* → say \{ host: "127\.0\.0\.1:\d+", insecure: true \}/,
    )
  })

  it('that is away, is none, or has trouble is named as that', async () => {
    const away = `127.0.0.1:${await freePort()}`
    const [refused] = await look({ host: away }, dockerConfig(away, auth()))
    assert.match(refused ?? '', /^error: .*cannot be reached from here: ECONNREFUSED/)
    const page = await start({ broken: { status: 404 } })
    const [none] = await look({ host: page.host }, dockerConfig(page.host, auth()))
    assert.match(none ?? '', /^error: .*is no registry/)
    const ill = await start({ broken: { status: 503 } })
    const [trouble] = await look({ host: ill.host }, dockerConfig(ill.host, auth()))
    assert.match(trouble ?? '', /^warning: .*cannot be asked: HTTP 503/)
  })
})
