import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Report } from '../../../src/doctor/report.ts'
import type { ForgeServer } from '../../stand-ins/forge-server.ts'
import { createGiteaStandIn } from '../../stand-ins/gitea/stand-in.ts'
import {
  createScriptedRunner,
  Refusal,
  startKubernetes,
  type Kubernetes,
} from '../../stand-ins/kubernetes/index.ts'
import { startRegistryStandIn, type RegistryStandIn } from '../../stand-ins/registry.ts'
import { freePort } from '../../support/free-port.ts'
import { runDoctor, runKanihook, type DoctorRun } from '../../support/kanihook-doctor.ts'
import { startKanihook, type KanihookProcess } from '../../support/kanihook-process.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'

/** `kanihook doctor` as an operator runs it: a process, its lines, its exit code. */

const canaries = {
  redis: 'canary-redis-3b1c',
  token: 'canary-token-9f00',
  webhook: 'canary-webhook-secret-77',
  registry: 'canary-registry-21aa',
  admin: 'canary-admin-token-5c5c',
  link: 'canary-link-secret-8d8d',
}

describe('kanihook doctor', () => {
  let redis: TestRedis
  let forge: ForgeServer
  let cluster: Kubernetes
  let registry: RegistryStandIn
  let kanihook: KanihookProcess
  let folder: string
  let settings: Record<string, string>

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kanihook-doctor-'))
    redis = await startRedis(['--requirepass', canaries.redis, '--appendonly', 'yes'])
    forge = await createGiteaStandIn({ repositories: [], tokens: [canaries.token] })
    registry = await startRegistryStandIn({
      login: 'basic',
      username: 'builder',
      password: canaries.registry,
    })
    cluster = await startKubernetes({ runner: createScriptedRunner().run })
    cluster.putSecret('registry-credentials', {
      '.dockerconfigjson': JSON.stringify({
        auths: { [registry.host]: { username: 'builder', password: canaries.registry } },
      }),
    })
    const config = join(folder, 'kanihook.yaml')
    await writeFile(
      config,
      `registries: [{ host: "${registry.host}", insecure: true }]
repositories:
  - match: git.acme.io/acme/app
    images: [{ name: app, destination: "${registry.host}/acme/app", pushSecret: registry-credentials }]
`,
    )
    await writeFile(join(folder, 'kubeconfig'), cluster.kubeConfigYaml())
    settings = {
      REDIS_URL: redis.url.replace('//', `//:${canaries.redis}@`),
      KANIHOOK_CONFIG: config,
      KUBECONFIG: join(folder, 'kubeconfig'),
      GITEA_URL: 'https://git.acme.io',
      GITEA_API_URL: `${forge.url}/api/v1`,
      GITEA_TOKEN: canaries.token,
      GITEA_WEBHOOK_SECRETS: canaries.webhook,
      ADMIN_TOKENS: canaries.admin,
      KANIKO_IMAGE: `${registry.host}/kaniko:v1`,
      CLONE_IMAGE: `${registry.host}/git:v1`,
      LINK_SECRETS: canaries.link,
    }
    kanihook = await startKanihook({ ...settings, KANIHOOK_ROLES: 'receiver' })
    settings['PUBLIC_URL'] = kanihook.url
  })
  after(async () => {
    await kanihook?.kill()
    await Promise.all([forge?.close(), registry?.close(), cluster?.stop(), redis?.stop()])
    await rm(folder, { recursive: true, force: true })
  })

  /** Runs it, and looks through all that it prints for a secret. */
  async function run(
    change: Readonly<Record<string, string>> = {},
    ...args: readonly string[]
  ): Promise<DoctorRun> {
    const ran = await runDoctor({ ...settings, ...change }, ...args)
    for (const [name, canary] of Object.entries(canaries)) {
      const encoded = Buffer.from(canary).toString('base64')
      for (const secret of [canary, encoded, encoded.slice(2, -4)]) {
        assert(
          !`${ran.out}${ran.err}`.includes(secret),
          `the secret of ${name} is shown:\n${ran.out}`,
        )
      }
    }
    return ran
  }
  const lineOf = ({ out }: DoctorRun, area: string): string =>
    out.split('\n').find((line) => line.slice(2).startsWith(area)) ?? ''

  it('says in a line each that all is right, but for a URL that only this machine knows', async () => {
    const ran = await run()
    assert.equal(ran.err, '')
    const marks = ran.out.split('\n').map((line) => line[0])
    assert(marks.includes('✓') && !marks.includes('✗'), ran.out)
    assert.match(
      lineOf(ran, 'redis'),
      /^✓ redis {7}127\.0\.0\.1:\d+: \d.*noeviction, appendonly everysec/,
    )
    assert.match(lineOf(ran, 'cluster'), /^✓ .*v1\.36\.2/)
    assert.match(lineOf(ran, 'forge'), /^✓ forge {7}git\.acme\.io: the token is dev's/)
    assert.match(lineOf(ran, 'registry'), /^✓ .*may push to acme\/app/)
    assert.match(lineOf(ran, 'clock'), /^✓ .*agrees with Redis, the Kubernetes API, git\.acme\.io/)
    assert.match(ran.out, /^✓ public-url .*: leads to kanihook$/m)
    assert.match(ran.out, /^! public-url .*leads to this machine alone/m)
    assert.equal(ran.code, 1)
  })

  it('--json is the same for programs', async () => {
    const { out, code } = await run({}, '--json')
    const report = JSON.parse(out) as Report
    assert.equal(report.exitCode, code)
    const [first] = report.findings.filter(({ area }) => area === 'registry')
    assert.deepEqual(Object.keys(first ?? {}).toSorted(), [
      'area',
      'message',
      'severity',
      'subject',
    ])
    const areas = new Set(report.findings.map(({ area }) => area))
    assert.deepEqual(
      [...areas],
      ['settings', 'redis', 'cluster', 'forge', 'registry', 'image', 'public-url', 'clock'],
    )
  })

  it('an error anywhere is exit code 2, and nothing hides the rest', async () => {
    const broken = join(folder, 'broken.yaml')
    await writeFile(broken, 'repositories: [{ match: "x", colour: red }]')
    const gone = `127.0.0.1:${await freePort()}`
    const ran = await run({
      REDIS_URL: `redis://:${canaries.redis}@${gone}`,
      GITEA_TOKEN: 'canary-of-nobody',
      KANIHOOK_CONFIG: broken,
      PUBLIC_URL: `http://${gone}`,
    })
    assert.equal(ran.code, 2)
    assert.match(lineOf(ran, 'settings'), /^✗ .*broken\.yaml: 1:\d+: /)
    assert.match(lineOf(ran, 'redis'), /^✗ .*ECONNREFUSED/)
    assert.match(lineOf(ran, 'forge'), /^✗ .*the token is refused \(401 .* → set GITEA_TOKEN to/)
    assert.match(lineOf(ran, 'cluster'), /^✓ /)
    assert(!ran.out.includes('canary-of-nobody'))
  })

  it('an entry that is never reached, and one whose forge is off, are warnings', async () => {
    const config = join(folder, 'unheard.yaml')
    await writeFile(
      config,
      `defaults: { destination: "${registry.host}/{owner}/{repo}", pushSecret: registry-credentials }
repositories: [{ match: git.acme.io/acme/* }, { match: git.acme.io/acme/app }, { match: gitlab.com/acme/* }]`,
    )
    const ran = await run({ KANIHOOK_CONFIG: config, KANIHOOK_ROLES: 'receiver' })
    assert.match(ran.out, /^! settings .*entry 2 \(git\.acme\.io\/acme\/app\) is never reached/m)
    assert.match(ran.out, /^! settings .*no forge that is on has the host gitlab\.com: /m)
    assert.equal(ran.code, 1)
  })

  it('a wrong login for the registry, and one that may not push, is named by its Secret', async () => {
    cluster.putSecret('registry-wrong', {
      '.dockerconfigjson': JSON.stringify({
        auths: { [registry.host]: { username: 'builder', password: canaries.registry.slice(1) } },
      }),
    })
    const config = join(folder, 'wrong.yaml')
    await writeFile(
      config,
      `registries: [{ host: "${registry.host}", insecure: true }]
repositories: [{ match: git.acme.io/acme/app, destination: "${registry.host}/acme/app", pushSecret: registry-wrong }]`,
    )
    const ran = await run({ KANIHOOK_CONFIG: config })
    assert.equal(ran.code, 2)
    assert.match(
      lineOf(ran, 'registry'),
      /^✗ .*refuses the login of the Secret registry-wrong \(401/,
    )
  })

  it('a cluster out of reach is one error, and the registries are told apart from it', async () => {
    const kubeconfig = join(folder, 'away')
    const away = cluster
      .kubeConfigYaml()
      .replaceAll(cluster.url, `http://127.0.0.1:${await freePort()}`)
    await writeFile(kubeconfig, away)
    for (const KUBECONFIG of [kubeconfig, '/dev/null']) {
      const ran = await run({ KUBECONFIG })
      assert.equal(ran.out.split('\n').filter((line) => line.startsWith('✗')).length, 1, ran.out)
      assert.match(lineOf(ran, 'cluster'), /^✗ /)
      assert.match(
        lineOf(ran, 'registry'),
        /^! .*not checked: the logins are Secrets of the cluster/,
      )
    }
  })

  it('a faulty KUBECONFIG is told by its place: neither doctor nor serve shows what is in it', async () => {
    const canary = 'canary-kube-token-6e2d'
    const KUBECONFIG = join(folder, 'torn')
    await writeFile(KUBECONFIG, `users:\n- { name: u, user: { token: ${canary}\n`)
    const runs = [
      await run({ KUBECONFIG }),
      await run({ KUBECONFIG }, '--json'),
      await runKanihook(['serve'], { ...settings, PORT: '0', ADMIN_PORT: '0', KUBECONFIG }),
    ]
    for (const { out, err } of runs) {
      assert.match(`${out}${err}`, /cannot be used: the file is not YAML, at line 3, column 1/)
      // A quoted line may be cut.
      assert(!`${out}${err}`.includes(canary.slice(0, 8)), `${out}${err}`)
    }
    assert.deepEqual(
      runs.map(({ code }) => code),
      [2, 2, 78],
    )
  })

  it('a cluster that hangs is an error in time', async () => {
    const silent = await startKubernetes({ runner: createScriptedRunner().run })
    try {
      silent.fault({ match: /./, answer: 'silence', times: 99 })
      const kubeconfig = join(folder, 'silent')
      await writeFile(kubeconfig, silent.kubeConfigYaml())
      const ran = await run({ KUBECONFIG: kubeconfig })
      assert.match(lineOf(ran, 'cluster'), /^✗ .*no answer in time/)
    } finally {
      await silent.stop()
    }
  })

  it('a receiver is asked neither about a cluster, a forge nor a registry', async () => {
    const ran = await run({ KANIHOOK_ROLES: 'receiver', GITEA_TOKEN: '', KUBECONFIG: '/nowhere' })
    for (const area of ['cluster', 'forge', 'registry']) assert.equal(lineOf(ran, area), '')
    for (const area of ['settings', 'redis', 'public-url', 'clock'])
      assert.notEqual(lineOf(ran, area), '')
    assert.equal(ran.code, 1, ran.out)
  })

  it('settings that cannot be read are exit code 78, as with serve, and JSON where that is asked for', async () => {
    const plain = await run({ PORT: 'x' })
    assert.deepEqual([plain.code, plain.out], [78, ''])
    assert.match(plain.err, /PORT must be a whole number/)
    const json = await run({ PORT: 'x' }, '--json')
    assert.equal(json.code, 78)
    const { findings, exitCode } = JSON.parse(json.out) as Report
    assert.equal(exitCode, 78)
    assert.match(findings[0]?.message ?? '', /^PORT must be/)
  })

  it('an API that quotes what it was sent brings no secret into the report', async () => {
    cluster.fault({
      match: /POST .*\/jobs/,
      answer: new Refusal(422, 'Invalid', `no: ${canaries.registry} ${canaries.token}`),
    })
    const ran = await run()
    assert.equal(ran.code, 2, ran.out)
    assert.match(ran.out, /the API refuses a build's Job: no: /)
  })
})
