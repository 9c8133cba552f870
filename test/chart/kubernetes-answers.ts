import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The kinds that helm has to find before it renders with a cluster at hand. */
const kinds: Readonly<Record<string, readonly string[]>> = {
  v1: ['Namespace', 'Service', 'ServiceAccount', 'ConfigMap', 'Secret', 'PersistentVolumeClaim'],
  'apps/v1': ['Deployment'],
  'policy/v1': ['PodDisruptionBudget'],
  'rbac.authorization.k8s.io/v1': ['Role', 'RoleBinding'],
  'networking.k8s.io/v1': ['NetworkPolicy'],
  'discovery.k8s.io/v1': ['EndpointSlice'],
}

export interface KubernetesAnswers {
  /** Path of a kubeconfig file. */
  readonly kubeconfig: string
  [Symbol.asyncDispose](): Promise<void>
}

/** A stand-in for a Kubernetes API that only answers what is looked up there: path → object. */
export async function answerLookups(
  objects: Readonly<Record<string, object>>,
): Promise<KubernetesAnswers> {
  const answers = new Map<string, object>([...discovery(), ...Object.entries(objects)])
  const server = createServer((request, response) => {
    const answer = answers.get(new URL(request.url ?? '/', 'http://stand-in').pathname)
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' })
    const notFound = { apiVersion: 'v1', kind: 'Status', status: 'Failure', reason: 'NotFound' }
    response.end(JSON.stringify(answer ?? { ...notFound, code: 404 }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const folder = await mkdtemp(join(tmpdir(), 'kanihook-chart-'))
  const kubeconfig = join(folder, 'kubeconfig')
  const name = 'stand-in'
  await writeFile(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': name,
      clusters: [{ name, cluster: { server: `http://127.0.0.1:${port}` } }],
      contexts: [{ name, context: { cluster: name, user: name } }],
      users: [{ name, user: {} }],
    }),
  )
  return {
    kubeconfig,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
      await rm(folder, { recursive: true })
    },
  }
}

/** What a client asks first: the versions, groups and kinds that there are. */
function discovery(): [string, object][] {
  const groups = Object.keys(kinds).filter((groupVersion) => groupVersion.includes('/'))
  const version = (groupVersion: string) => ({ groupVersion, version: 'v1' })
  return [
    ['/version', { major: '1', minor: '36', gitVersion: 'v1.36.2' }],
    ['/api', { kind: 'APIVersions', versions: ['v1'] }],
    [
      '/apis',
      {
        kind: 'APIGroupList',
        groups: groups.map((each) => ({
          name: each.split('/')[0],
          versions: [version(each)],
          preferredVersion: version(each),
        })),
      },
    ],
    ...Object.entries(kinds).map(([groupVersion, names]): [string, object] => [
      groupVersion === 'v1' ? '/api/v1' : `/apis/${groupVersion}`,
      {
        kind: 'APIResourceList',
        groupVersion,
        resources: names.map((kind) => ({
          kind,
          name: kind === 'NetworkPolicy' ? 'networkpolicies' : `${kind.toLowerCase()}s`,
          singularName: kind.toLowerCase(),
          namespaced: kind !== 'Namespace',
          verbs: ['get', 'list', 'create'],
        })),
      },
    ]),
  ]
}
