import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { DiscoveryV1Api, type V1PodSpec } from '@kubernetes/client-node'
import { buildNamespace, namespace, release, type Installation } from './installation.ts'
import { startProbePod, type Outcome, type ProbePod } from './probe-pod.ts'

type Component = Parameters<Installation['pods']>[0]
type Place = readonly [address: string, port: number]

/** Where clouds tell a machine its secrets. */
const metadataAddress = '169.254.169.254'
const port = 8080

/** That the chart's NetworkPolicies keep what they promise, tried from pods with the labels of the real ones. */
export function networkClaims(installation: () => Installation): void {
  describe('by its NetworkPolicies', () => {
    let kanihook: Installation
    let places: Record<string, Place>
    let metadata: ProbePod | undefined
    let build: ProbePod
    let neighbour: ProbePod
    let stranger: ProbePod
    let receiver: ProbePod
    let worker: ProbePod
    let redis: ProbePod

    before(async () => {
      kanihook = installation()
      metadata = await startMetadata(kanihook)
      neighbour = await start(kanihook, 'as-a-neighbour', buildNamespace, {})
      places = await findPlaces(kanihook, neighbour)
      const ofBuilds = {
        'kanihook.dev/build': '0123456789abcdef',
        'app.kubernetes.io/managed-by': 'kanihook',
      }
      ;[build, stranger, receiver, worker, redis] = await Promise.all([
        start(kanihook, 'as-a-build', buildNamespace, ofBuilds),
        start(kanihook, 'as-a-stranger', namespace, {}),
        startAs(kanihook, 'receiver'),
        startAs(kanihook, 'worker'),
        startAs(kanihook, 'redis'),
      ])
    })
    after(async () => {
      await metadata?.run('ip', 'address', 'del', `${metadataAddress}/32`, 'dev', 'lo')
      const pods = [metadata, build, neighbour, stranger, receiver, worker, redis]
      await Promise.all(pods.map(async (pod) => await pod?.remove()))
    })

    /** What becomes of connections from a pod to all places. */
    async function outcomes(from: ProbePod): Promise<Partial<Record<Outcome, string[]>>> {
      const entries = Object.entries(places)
      const seen = await Promise.all(entries.map(([, place]) => from.connect(...place)))
      const named = entries.map(([name], index) => ({ name, outcome: seen[index]! }))
      const grouped = Object.groupBy(named, ({ outcome }) => outcome)
      return Object.fromEntries(
        Object.entries(grouped).map(([outcome, all]) => [outcome, all.map(({ name }) => name)]),
      )
    }

    const redisPlaces = ['Redis’ Service', 'Redis']
    const apiPlaces = ['API server’s Service', 'API server']
    const adminPlaces = ['admin Service', 'receiver’s admin port', 'worker’s admin port']
    const outside = ['registry', 'forge']
    const uploads = 'what the worker holds of uploads'

    test('a build reaches what it clones from and pushes to, and what was uploaded, and neither the API server, the cloud’s metadata, Redis nor the admin ports', async () => {
      assert.deepEqual(await outcomes(build), {
        reached: ['names', 'webhooks', ...outside, uploads],
        blocked: [...apiPlaces, 'metadata', ...redisPlaces, ...adminPlaces],
      })
    })

    test('a pod beside the builds, which is none, reaches the API server and the metadata: they are there', async () => {
      assert.deepEqual(await outcomes(neighbour), {
        reached: ['names', 'webhooks', ...outside, ...apiPlaces, 'metadata'],
        blocked: [...redisPlaces, ...adminPlaces, uploads],
      })
    })

    test('nobody reaches a build', async () => {
      assert.equal(await build.connect(build.address, port), 'reached')
      for (const from of [neighbour, stranger, worker]) {
        assert.equal(await from.connect(build.address, port), 'blocked', from.name)
      }
      assert.equal(await neighbour.connect(neighbour.address, port), 'reached')
      assert.equal(await stranger.connect(neighbour.address, port), 'reached')
    })

    test('a pod beside kanihook, which is none of its own, does not reach Redis, the admin ports or what was uploaded', async () => {
      const { blocked } = await outcomes(stranger)
      assert.deepEqual(blocked, [...redisPlaces, ...adminPlaces, uploads])
    })

    test('the receiver reaches Redis and names, and nothing else', async () => {
      const { reached } = await outcomes(receiver)
      assert.deepEqual(reached, ['names', ...redisPlaces])
    })

    test('the worker reaches Redis, the API server, the forge and the registry, and not the cloud’s metadata', async () => {
      const { reached = [], blocked = [] } = await outcomes(worker)
      for (const name of [...outside, ...apiPlaces, ...redisPlaces]) {
        assert.ok(reached.includes(name), name)
      }
      for (const name of ['metadata', ...adminPlaces, uploads])
        assert.ok(blocked.includes(name), name)
    })

    test('Redis reaches nothing', async () => {
      assert.deepEqual(Object.keys(await outcomes(redis)), ['blocked'])
    })
  })
}

/** By name. */
async function findPlaces(kanihook: Installation, pod: ProbePod): Promise<Record<string, Place>> {
  const { cluster, core, kubeConfig, pods } = kanihook
  const address = async (name: string, namespace: string): Promise<string> =>
    (await core.readNamespacedService({ name, namespace })).spec?.clusterIP ?? ''
  const podOf = async (component: Component): Promise<string> =>
    (await pods(component))[0]?.status?.podIP ?? ''
  const host = (authority: string): Place => {
    const { hostname, port } = new URL(`http://${authority}`)
    return [hostname, Number(port)]
  }
  const resolver = /^nameserver (\S+)/m.exec(await pod.run('cat', '/etc/resolv.conf'))?.[1]
  const slices = await kubeConfig
    .makeApiClient(DiscoveryV1Api)
    .listNamespacedEndpointSlice({ namespace: 'default' })
  const slice = slices.items.find(({ metadata }) => metadata?.name === 'kubernetes')
  return {
    names: [resolver ?? '', 53],
    webhooks: [await address(release, namespace), 80],
    registry: host(cluster.registry.host),
    forge: host(new URL(cluster.gitea.url).host),
    'API server’s Service': [await address('kubernetes', 'default'), 443],
    'API server': [slice?.endpoints?.[0]?.addresses[0] ?? '', slice?.ports?.[0]?.port ?? 0],
    metadata: [metadataAddress, 80],
    'Redis’ Service': [await address(`${release}-redis`, namespace), 6379],
    Redis: [await podOf('redis'), 6379],
    'admin Service': [await address(`${release}-admin`, namespace), 9090],
    'receiver’s admin port': [await podOf('receiver'), 9090],
    'worker’s admin port': [await podOf('worker'), 9090],
    'what the worker holds of uploads': [await podOf('worker'), 9091],
  }
}

/** A pod that listens, with these labels. */
async function start(
  { cluster, kubeConfig }: Installation,
  name: string,
  namespace: string,
  labels: Record<string, string>,
  spec: Partial<V1PodSpec> = {},
): Promise<ProbePod> {
  return startProbePod({
    kubeConfig,
    namespace,
    name,
    labels,
    image: cluster.cloneImage,
    container: {
      command: ['httpd', '-f', '-p', `${port}`],
      securityContext: {
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
        runAsNonRoot: true,
        runAsUser: 65_532,
        seccompProfile: { type: 'RuntimeDefault' },
      },
    },
    spec,
  })
}

/** A pod with the labels of a component's, but never ready, so that no Service sends it anything. */
async function startAs(kanihook: Installation, component: Component): Promise<ProbePod> {
  const [real] = await kanihook.pods(component)
  // with this one it would be counted among the real ones, and removed
  const { 'pod-template-hash': _, ...labels } = real?.metadata?.labels ?? {}
  const readinessGates = [{ conditionType: 'kanihook.test/never' }]
  return start(kanihook, `as-a-${component}`, namespace, labels, { readinessGates })
}

/** Something that answers at the address of the cloud's metadata, on the node's own network. */
async function startMetadata({ cluster, kubeConfig }: Installation): Promise<ProbePod> {
  const listen = `ip address add ${metadataAddress}/32 dev lo && exec httpd -f -p ${metadataAddress}:80`
  return startProbePod({
    kubeConfig,
    namespace: 'default',
    name: 'kanihook-metadata',
    image: cluster.cloneImage,
    container: {
      command: ['sh', '-c', listen],
      securityContext: { capabilities: { add: ['NET_ADMIN'] } },
    },
    spec: { hostNetwork: true },
  })
}
