import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { KubeConfig } from '@kubernetes/client-node'
import { runChecks } from '../../../src/doctor/checks.ts'
import { reachCluster } from '../../../src/doctor/cluster-access.ts'
import { clusterCheck } from '../../../src/doctor/cluster.ts'
import { forges } from '../../../src/forges/index.ts'
import { parseConfig } from '../../../src/settings/config-file.ts'
import { readEnvironment } from '../../../src/settings/environment.ts'
import {
  createScriptedRunner,
  mayAsWorker,
  Refusal,
  startKubernetes,
  type Account,
  type Kubernetes,
} from '../../stand-ins/kubernetes/index.ts'
import { freePort } from '../../support/free-port.ts'

/** What is found out about a cluster. It is the stand-in; the real one is asked end to end. */

const settings = readEnvironment(
  { GITEA_URL: 'https://git.acme.io', GITEA_TOKEN: 'token', GITEA_WEBHOOK_SECRETS: 'x'.repeat(16) },
  { forges },
)
const config = parseConfig(
  'repositories: [{ match: "git.acme.io/**", destination: "reg.acme.io/{owner}/{repo}" }]',
  'kanihook.yaml',
)

describe('a cluster', () => {
  let kubernetes: Kubernetes
  afterEach(() => kubernetes.stop())

  const start = async (account: Account = {}): Promise<void> => {
    kubernetes = await startKubernetes({ runner: createScriptedRunner().run, account })
  }
  const refuse = (match: RegExp, status = 403): void =>
    kubernetes.fault({ match, answer: new Refusal(status, 'Forbidden', 'not for you'), times: 9 })

  async function look(
    change: Partial<typeof settings> = {},
    of: typeof config = config,
  ): Promise<string[]> {
    const kubeConfig = kubernetes.kubeConfig()
    const check = clusterCheck({
      kubeConfig,
      reached: reachCluster(kubeConfig),
      settings: { ...settings, ...change },
      config: of,
    })
    const { findings, clocks } = await runChecks([check], 5_000)
    assert.equal(clocks?.length, 1)
    return findings.map(({ severity, message, fix = '' }) => `${severity}: ${message} → ${fix}`)
  }
  const wrong = (lines: readonly string[]): string[] =>
    lines.filter((line) => !line.startsWith('ok'))

  it('that is right is fine, and keeps no Job', async () => {
    await start({ labels: { 'pod-security.kubernetes.io/enforce': 'baseline' } })
    const lines = await look()
    assert.deepEqual(wrong(lines), [])
    assert.match(
      lines[0] ?? '',
      /^ok: v1\.36\.2, as system:serviceaccount:kanihook-builds:kanihook-worker/,
    )
    assert.match(lines.join('\n'), /^ok: the account may do all that builds need/m)
    assert.match(lines.join('\n'), /^ok: the API accepts a build's Job/m)
    assert.match(lines.join('\n'), /^ok: Pod Security enforces baseline/m)
    const writes = kubernetes.requests.filter((line) => /^POST .*\/jobs/.test(line))
    assert.equal(writes.length, 1)
    assert.match(writes[0] ?? '', /dryRun=All/)
  })

  it('whose account may not read logs is told which rule to add', async () => {
    await start({ may: (asked) => asked.subresource !== 'log' && mayAsWorker(asked) })
    assert.deepEqual(wrong(await look()), [
      'error: the account may not get pods/log in kanihook-builds → add to the rules of its Role there: - { apiGroups: [""], resources: ["pods/log"], verbs: [get] }',
    ])
  })

  it('whose account may not see events is a warning: builds run all the same', async () => {
    await start({ may: (asked) => asked.resource !== 'events' && mayAsWorker(asked) })
    assert.match(wrong(await look())[0] ?? '', /^warning: the account may not list events/)
  })

  it('whose account may create no Jobs is asked to keep none', async () => {
    await start({ may: (asked) => asked.verb !== 'create' && mayAsWorker(asked) })
    assert.match(wrong(await look()).join('\n'), /^error: the account may not create jobs\.batch/m)
    assert(!kubernetes.requests.some((line) => /^POST .*\/jobs/.test(line)))
  })

  const configOf = (text: string) => parseConfig(text, 'kanihook.yaml')

  it('is asked for a Job of each platform, and the one that joins them, in a line', async () => {
    await start()
    const lines = await look(
      {},
      configOf(`repositories:
  - match: git.acme.io/a/a
    images:
      - { name: any, destination: reg.acme.io/any }
      - { name: both, destination: reg.acme.io/both, platforms: [linux/amd64, linux/arm64] }
      - { name: one, destination: reg.acme.io/one, platforms: [linux/arm64] }
      - { name: odd, destination: reg.acme.io/odd, platforms: [linux/riscv64] }`),
    )
    assert.deepEqual(wrong(lines), [])
    assert.match(
      lines.join('\n'),
      /^ok: the API accepts a build's Job; a build's Job for linux\/amd64, linux\/arm64, linux\/riscv64; the Job that joins platforms \(tried with dryRun\)/m,
    )
    const writes = kubernetes.requests.filter((line) => /^POST .*\/jobs/.test(line))
    assert.equal(writes.length, 5)
    for (const write of writes) assert.match(write, /dryRun=All/)
  })

  it('that refuses all of these alike says so once', async () => {
    await start()
    refuse(/POST .*\/jobs/)
    const lines = wrong(
      await look(
        {},
        configOf(
          'repositories: [{ match: git.acme.io/a/a, images: [{ name: a, destination: reg.acme.io/a, platforms: [linux/amd64, linux/arm64] }] }]',
        ),
      ),
    )
    assert.deepEqual(lines, [
      "error: the API refuses a build's Job for linux/amd64, linux/arm64; the Job that joins platforms: not for you → mend what it names: a policy of the cluster, or the image in kanihook.yaml",
    ])
  })

  it('is asked for the Job of an upload where nothing else is built', async () => {
    await start()
    const of = configOf(
      'repositories: []\nuploads: [{ name: shop, destination: reg.acme.io/shop, resources: { requests: { memory: 1Gi } } }]',
    )
    assert.match((await look({}, of)).join('\n'), /^ok: the API accepts a build's Job \(/m)
    await kubernetes.stop()
    await start({ quotas: [{ spec: { hard: { 'requests.cpu': '4' } } }] })
    assert.match(
      wrong(await look({}, of)).join('\n'),
      /^error: .* does not state requests\.cpu \(shop\)/m,
    )
  })

  describe('with backend: tekton', () => {
    const tekton = parseConfig(
      'defaults: { backend: tekton }\nrepositories: [{ match: "git.acme.io/**", destination: "reg.acme.io/{owner}/{repo}" }]',
      'kanihook.yaml',
    )
    const mayMakeTaskRuns: Account['may'] = (asked) =>
      mayAsWorker(asked) || (asked.group === 'tekton.dev' && asked.namespace === 'kanihook-builds')

    it('is asked for a TaskRun instead of a Job, and keeps none', async () => {
      await start({ may: mayMakeTaskRuns })
      kubernetes.fault({ match: /^POST .*taskruns/, answer: new Refusal(400, 'BadRequest', 'no') })
      const lines = wrong(await look({}, tekton))
      assert.match(lines.join('\n'), /^error: the API refuses a build's TaskRun: no/m)
      const writes = kubernetes.requests.filter((line) => /^POST .*\/(jobs|taskruns)/.test(line))
      assert.equal(writes.length, 1)
      assert.match(writes[0] ?? '', /taskruns.*dryRun=All/)
    })

    it('says which rule the account lacks', async () => {
      await start()
      assert.match(
        wrong(await look({}, tekton)).join('\n'),
        /^error: the account may not create, get, list, delete taskruns\.tekton\.dev in kanihook-builds/m,
      )
    })

    it('asks an account for no right to TaskRuns where there is none of them', async () => {
      await start()
      assert.ok(!kubernetes.requests.join('\n').includes('tekton'))
      assert.deepEqual(wrong(await look()), [])
    })
  })

  it('whose account may do more than builds need is a warning', async () => {
    await start({ may: () => true })
    assert.match(wrong(await look())[0] ?? '', /^warning: the account may do anything/)
    await kubernetes.stop()
    await start({
      may: ({ verb, resource, namespace, ...asked }) =>
        (verb === 'list' && resource === 'secrets' && namespace === undefined) ||
        mayAsWorker({ verb, resource, namespace, ...asked } as Parameters<typeof mayAsWorker>[0]),
    })
    assert.match(wrong(await look())[0] ?? '', /^warning: .*read the Secrets of every namespace/)
  })

  it('without the namespace says how to make it', async () => {
    await start()
    const lines = await look({ buildNamespace: 'elsewhere' })
    assert.match(
      wrong(lines)[0] ?? '',
      /^error: there is no such namespace → kubectl create namespace elsewhere/,
    )
    assert.equal(wrong(lines).length, 1)
  })

  it('that hides the namespace and its quotas from the account is not accused', async () => {
    await start()
    refuse(/GET \/api\/v1\/namespaces\/kanihook-builds$/)
    refuse(/resourcequotas/)
    const lines = await look()
    assert.deepEqual(wrong(lines), [])
    assert.match(
      lines.join('\n'),
      /^ok: not visible to this account, and not checked: Pod Security labels; quotas/m,
    )
  })

  it('that enforces Pod Security restricted, or warns of it, cannot build', async () => {
    await start({
      labels: { 'pod-security.kubernetes.io/enforce': 'restricted' },
      warning: '299 - "would violate PodSecurity \\"restricted:latest\\": runAsNonRoot != true"',
    })
    const lines = wrong(await look())
    assert.match(lines.join('\n'), /^error: Pod Security enforces restricted/m)
    assert.match(lines.join('\n'), /^warning: .*would violate PodSecurity "restricted:latest"/m)
  })

  it('that only warns of Pod Security restricted, or of something else, is not told to relax it', async () => {
    await start({
      labels: { 'pod-security.kubernetes.io/enforce': 'baseline' },
      warning:
        '299 - "would violate PodSecurity \\"restricted:latest\\": runAsNonRoot != true", 299 - "no owner label"',
    })
    const lines = await look()
    assert.deepEqual(wrong(lines), ["warning: the API warns of a build's Job: no owner label → "])
    assert.match(
      lines.join('\n'),
      /^ok: .*would violate PodSecurity "restricted:latest".* builds run/m,
    )
  })

  it('whose policy refuses the Job is quoted', async () => {
    await start()
    refuse(/POST .*\/jobs/)
    assert.match(wrong(await look())[0] ?? '', /^error: the API refuses a build's Job: not for you/)
  })

  it('that fails in the middle is an error of one line', async () => {
    await start()
    kubernetes.fault({
      match: /selfsubjectaccessreviews/,
      answer: new Refusal(500, 'InternalError', 'etcd is away'),
      times: 99,
    })
    const lines = wrong(await look())
    assert.equal(lines.length, 1)
    assert.match(
      lines[0] ?? '',
      /^error: the API leaves a question without an answer: etcd is away/,
    )
  })

  it('whose quota is used up is a warning', async () => {
    const hard = { pods: '2' }
    await start({
      quotas: [{ metadata: { name: 'small' }, status: { hard, used: { pods: '2' } } }],
    })
    assert.match(
      wrong(await look())[0] ?? '',
      /^warning: ResourceQuota small is used up: pods 2 of 2/,
    )
  })
})

describe('a cluster that is out of reach', () => {
  const at = (server: string): KubeConfig => {
    const config = new KubeConfig()
    config.loadFromClusterAndUser(
      { name: 'cluster', server, skipTLSVerify: true },
      { name: 'user', token: 'canary-cluster-token' },
    )
    return config
  }

  it('says what the network says', async () => {
    const reached = await reachCluster(at(`http://127.0.0.1:${await freePort()}`))
    assert(!reached.reached)
    assert.equal(reached.why, 'the API cannot be reached: ECONNREFUSED')
  })

  it('says that the credentials are refused', async () => {
    const kubernetes = await startKubernetes({ runner: createScriptedRunner().run })
    try {
      const reached = await reachCluster(at(kubernetes.url))
      assert(!reached.reached)
      assert.match(reached.why, /refuses the credentials \(401\)/)
    } finally {
      await kubernetes.stop()
    }
  })
})
