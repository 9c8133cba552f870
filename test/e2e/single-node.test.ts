import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  BatchV1Api,
  CoreV1Api,
  KubeConfig,
  type V1Job,
  type V1PodSpec,
} from '@kubernetes/client-node'
import {
  downCluster,
  loadCluster,
  processStates,
  upCluster,
  type TestCluster,
} from '../cluster/cluster.ts'
import { createGiteaClient } from '../cluster/gitea-client.ts'
import { dockerConfig } from '../cluster/registry.ts'
import { run } from '../cluster/support/command.ts'
import { processesMentioning } from '../cluster/support/process-identity.ts'
import { createProgress } from '../cluster/support/progress.ts'
import { waitUntil } from '../cluster/support/wait-until.ts'

// apart from a cluster with the default options, so that this one can stand beside it
const network = { link: 'kanihooktest', subnet: '10.83.7.0/24', portBase: 23_400 }
const onProgress = createProgress((line) => process.stderr.write(line))

describe('a single node', { timeout: 40 * 60_000 }, () => {
  let stateDir: string
  let untouched: string
  let cluster: TestCluster
  const options = () => ({ ...network, stateDir, onProgress })

  before(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'kanihook-'))
    untouched = await firewall()
    cluster = await upCluster(options())
  })

  after(async () => {
    await downCluster(options())
    await rm(stateDir, { recursive: true, force: true })
  })

  test('a Job made with the worker’s permissions clones a private repository, builds its Dockerfile and pushes the image', async () => {
    const { batch, core } = workerApis(cluster)
    const { cloneUrl, sha } = await privateRepository(cluster)
    const { namespace } = cluster
    const { username, token } = cluster.gitea
    await core.createNamespacedSecret({
      namespace,
      body: { metadata: { name: 'git' }, stringData: { username, password: token } },
    })
    await core.createNamespacedSecret({
      namespace,
      body: {
        metadata: { name: 'registry' },
        type: 'kubernetes.io/dockerconfigjson',
        stringData: { '.dockerconfigjson': dockerConfig(cluster.registry) },
      },
    })
    await batch.createNamespacedJob({ namespace, body: buildJob(cluster, cloneUrl, sha) })
    const end = await endOf(core, namespace, 'build')

    assert.deepEqual([end.container, end.exitCode], ['kaniko', 0], end.log)
    assert.match(end.message, /dev\/app:main@sha256:[0-9a-f]{64}/)
    const image = await inspect(cluster, 'dev/app:main')
    assert.ok(end.message.includes(image.Digest), `${end.message} names ${image.Digest}`)
    assert.deepEqual(image.Labels, { built: 'in the test cluster' })
  })

  test('a cluster that is up is left as it is, and one that lost a process is replaced', async () => {
    assert.deepEqual(await upCluster(options()), cluster)
    const pidFile = await readFile(join(stateDir, 'run', 'kube-scheduler.pid'), 'utf8')
    process.kill(Number(pidFile.split(' ')[0]), 'SIGKILL')
    await waitUntil('its end', () => processStates(options())['kube-scheduler'] === false)
    assert.equal(await loadCluster(options()), undefined)

    cluster = await upCluster(options())
    assert.deepEqual(await loadCluster(options()), cluster)
  })

  test('down leaves nothing behind, even with a pod that runs', async () => {
    const { batch, core } = workerApis(cluster)
    const { namespace } = cluster
    await batch.createNamespacedJob({ namespace, body: sleepJob(cluster) })
    await waitUntil('the pod to run', async () => {
      return (await podOf(core, namespace, 'sleep'))?.status?.phase === 'Running'
    })

    await downCluster(options())

    assert.deepEqual(processesMentioning(stateDir), [])
    assert.equal(existsSync(stateDir), false)
    assert.equal((await readFile('/proc/mounts', 'utf8')).includes(stateDir), false)
    assert.equal(existsSync(`/sys/class/net/${network.link}`), false)
    assert.equal(await firewall(), untouched)
    assert.deepEqual(emptyCgroups(), [])
    assert.equal(await loadCluster(options()), undefined)
  })
})

function workerApis({ workerKubeconfig }: TestCluster) {
  const config = new KubeConfig()
  config.loadFromFile(workerKubeconfig)
  return { batch: config.makeApiClient(BatchV1Api), core: config.makeApiClient(CoreV1Api) }
}

/** A private repository with one commit, whose Dockerfile runs a command. */
async function privateRepository(cluster: TestCluster) {
  const gitea = createGiteaClient(cluster.gitea)
  const repository = await gitea.createRepository('app', { private: true })
  const folder = await mkdtemp(join(tmpdir(), 'kanihook-repository-'))
  const lines = [
    `FROM ${cluster.baseImage}`,
    'LABEL built="in the test cluster"',
    'RUN id -u >/built-by',
    'COPY . /source',
  ]
  await writeFile(join(folder, 'Dockerfile'), `${lines.join('\n')}\n`)
  const identity = ['-c', 'user.name=dev', '-c', 'user.email=dev@kanihook.test']
  const git = async (...args: string[]) => await run('git', ['-C', folder, ...identity, ...args])
  try {
    await git('init', '--quiet', '--initial-branch=main')
    await git('add', '.')
    await git('commit', '--quiet', '--message=A first image')
    await git('push', '--quiet', gitea.authenticatedUrl(repository), 'main')
    return { cloneUrl: repository.cloneUrl, sha: (await git('rev-parse', 'HEAD')).trim() }
  } finally {
    await rm(folder, { recursive: true })
  }
}

function buildJob(cluster: TestCluster, cloneUrl: string, sha: string): V1Job {
  const clone = [
    'git init -q /kanihook/context && cd /kanihook/context', // git wants to own its folder
    `git config credential.helper '!f() { echo "username=$USERNAME"; echo "password=$PASSWORD"; }; f'`,
    'git fetch -q --depth=1 "$0" "$1" && git checkout -q --detach FETCH_HEAD && rm -rf .git',
  ]
  const secret = (name: string, key: string) => ({
    name,
    valueFrom: { secretKeyRef: { name: 'git', key } },
  })
  const context = { name: 'context', mountPath: '/kanihook' }
  const items = [{ key: '.dockerconfigjson', path: 'config.json' }]
  return job('build', {
    initContainers: [
      {
        name: 'clone',
        image: cluster.cloneImage,
        command: ['sh', '-ec', clone.join('\n'), cloneUrl, sha],
        env: [secret('USERNAME', 'username'), secret('PASSWORD', 'password')],
        volumeMounts: [context],
        securityContext: { runAsNonRoot: true, runAsUser: 65_532, runAsGroup: 65_532 },
      },
    ],
    containers: [
      {
        name: 'kaniko',
        image: cluster.kanikoImage,
        args: [
          '--context=dir:///kanihook/context',
          '--dockerfile=/kanihook/context/Dockerfile',
          `--destination=${cluster.registry.host}/dev/app:main`,
          `--insecure-registry=${cluster.registry.host}`,
          '--image-name-tag-with-digest-file=/dev/termination-log',
          '--log-format=text',
        ],
        volumeMounts: [context, { name: 'registry', mountPath: '/kaniko/.docker' }],
        securityContext: {
          allowPrivilegeEscalation: false,
          seccompProfile: { type: 'RuntimeDefault' },
          capabilities: {
            drop: ['ALL'],
            add: ['CHOWN', 'FOWNER', 'DAC_OVERRIDE', 'SETUID', 'SETGID', 'SETFCAP', 'KILL'],
          },
        },
      },
    ],
    volumes: [
      { name: 'context', emptyDir: {} },
      { name: 'registry', secret: { secretName: 'registry', items } },
    ],
  })
}

function sleepJob({ cloneImage }: TestCluster): V1Job {
  const command = ['sleep', 'infinity']
  return job('sleep', { containers: [{ name: 'sleep', image: cloneImage, command }] })
}

function job(
  name: string,
  containers: Pick<V1PodSpec, 'containers' | 'initContainers' | 'volumes'>,
): V1Job {
  const spec = Object.assign(
    { restartPolicy: 'Never', automountServiceAccountToken: false },
    containers,
  )
  return { metadata: { name }, spec: { backoffLimit: 0, template: { spec } } }
}

async function podOf(core: CoreV1Api, namespace: string, jobName: string) {
  const labelSelector = `job-name=${jobName}`
  return (await core.listNamespacedPod({ namespace, labelSelector })).items[0]
}

/** How the Job's pod ended: by its first container that failed, else by its last one. */
async function endOf(core: CoreV1Api, namespace: string, jobName: string) {
  let pod = await podOf(core, namespace, jobName)
  await waitUntil(`the end of the Job ${jobName}`, async () => {
    pod = await podOf(core, namespace, jobName)
    return pod?.status?.phase === 'Succeeded' || pod?.status?.phase === 'Failed'
  })
  const { initContainerStatuses = [], containerStatuses = [] } = pod?.status ?? {}
  const ends = [...initContainerStatuses, ...containerStatuses].flatMap(({ name, state }) =>
    state?.terminated ? [{ container: name, ...plain(state.terminated) }] : [],
  )
  const end = ends.find(({ exitCode }) => exitCode !== 0) ?? ends.at(-1)
  if (!end) throw new Error(`no container of the Job ${jobName} was started`)
  const name = pod?.metadata?.name ?? ''
  const log = await core.readNamespacedPodLog({ namespace, name, container: end.container })
  return { ...end, log }
}

function plain({ exitCode, message = '' }: { exitCode: number; message?: string }) {
  return { exitCode, message }
}

async function inspect({ registry }: TestCluster, image: string) {
  const access = ['--tls-verify=false', '--creds', `${registry.username}:${registry.password}`]
  const output = await run('skopeo', ['inspect', ...access, `docker://${registry.host}/${image}`])
  return JSON.parse(output) as { Digest: string; Labels: Record<string, string> }
}

/** All rules, without the packet counters and times. */
async function firewall(): Promise<string> {
  const rules = (await run('iptables-save', [])).split('\n')
  return rules.filter((line) => line.startsWith('-A') || line.includes('KUBE')).join('\n')
}

/** The cgroups of containers that have no process. */
function emptyCgroups(): string[] {
  const folders = ['/sys/fs/cgroup/k8s.io', '/sys/fs/cgroup/memory/k8s.io'].filter(existsSync)
  const cgroups = folders.flatMap((folder) =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [join(folder, entry.name)] : [],
    ),
  )
  return cgroups.filter((path) => readFileSync(join(path, 'cgroup.procs'), 'utf8') === '')
}
