import { request } from 'node:https'
import { KubeConfig } from '@kubernetes/client-node'

export interface Answer {
  readonly status: number
  /** The `message` of a refusal, or the warnings that came with the answer. */
  readonly message: string
}

/** What any object has. */
export interface AnyObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name?: string; readonly namespace?: string }
}

/** The API server's own paths, for what the client's methods do not offer. */
export interface ApiServer {
  call(method: string, path: string, body?: object): Promise<Answer>
  /** The objects of a list. */
  list(path: string): Promise<AnyObject[]>
  /** `Kind name` of all that is in a namespace but events, in the order of the alphabet. */
  everything(namespace: string): Promise<string[]>
  /** Has an object checked in every way but storing it; unknown fields are refused. */
  dryRun(object: AnyObject): Promise<Answer>
}

export function createApiServer(kubeconfig: string | KubeConfig): ApiServer {
  const config = typeof kubeconfig === 'string' ? load(kubeconfig) : kubeconfig
  const server = config.getCurrentCluster()?.server ?? ''
  const plurals = new Map<string, Promise<Map<string, string>>>()

  async function send(method: string, path: string, body?: object) {
    const options: Parameters<KubeConfig['applyToHTTPSOptions']>[0] = {
      method,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      signal: AbortSignal.timeout(20_000),
    }
    await config.applyToHTTPSOptions(options)
    const { promise, resolve, reject } = Promise.withResolvers<{
      status: number
      warnings: string
      body: unknown
    }>()
    const call = request(`${server}${path}`, options, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        const isJson = response.headers['content-type']?.includes('json')
        resolve({
          status: response.statusCode ?? 0,
          warnings: [response.headers['warning'] ?? []].flat().join('; '),
          body: isJson ? JSON.parse(text) : text,
        })
      })
    })
    call.on('error', reject)
    call.end(body === undefined ? undefined : JSON.stringify(body))
    return promise
  }

  /** Kinds of a group and version → `namespaces/NS/plural` or `plural`. */
  async function discover(root: string): Promise<Map<string, string>> {
    const { body } = await send('GET', root)
    const { resources = [] } = body as {
      resources?: { name: string; kind: string; namespaced: boolean }[]
    }
    const top = resources.filter(({ name }) => !name.includes('/'))
    return new Map(
      top.map(({ name, kind, namespaced }) => [kind, namespaced ? `namespaces/{}/${name}` : name]),
    )
  }

  async function call(method: string, path: string, body?: object): Promise<Answer> {
    const answer = await send(method, path, body)
    const { message = '' } = (answer.body ?? {}) as { message?: string }
    return { status: answer.status, message: message || answer.warnings }
  }

  async function list(path: string): Promise<AnyObject[]> {
    const { status, body } = await send('GET', path)
    if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`)
    return (body as { items: AnyObject[] }).items
  }

  /** Where every group has the version that it likes best. */
  async function roots(): Promise<string[]> {
    const { body } = await send('GET', '/apis')
    const { groups } = body as { groups: { preferredVersion: { groupVersion: string } }[] }
    return ['/api/v1', ...groups.map((each) => `/apis/${each.preferredVersion.groupVersion}`)]
  }

  return {
    call,
    list,
    async everything(namespace) {
      const found = new Set<string>()
      for (const root of await roots()) {
        for (const [kind, path] of await discover(root)) {
          if (kind === 'Event' || !path.includes('{}')) continue
          const answer = await send('GET', `${root}/${path.replace('{}', namespace)}`)
          // Some kinds can only be made, such as a review of permissions.
          if (answer.status !== 200) continue
          const { items } = answer.body as { items: AnyObject[] }
          for (const { metadata } of items) found.add(`${kind} ${metadata.name}`)
        }
      }
      return [...found].toSorted()
    },
    async dryRun(object) {
      const { apiVersion, kind, metadata } = object
      const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
      const known = plurals.get(root) ?? discover(root)
      plurals.set(root, known)
      const path = (await known).get(kind)
      if (path === undefined) return { status: 404, message: `no ${apiVersion} ${kind} here` }
      const place = path.replace('{}', metadata.namespace ?? 'default')
      return call('POST', `${root}/${place}?dryRun=All&fieldValidation=Strict`, object)
    },
  }
}

function load(path: string): KubeConfig {
  const config = new KubeConfig()
  config.loadFromFile(path)
  return config
}
