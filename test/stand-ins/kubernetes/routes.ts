import type { IncomingMessage, ServerResponse } from 'node:http'
import type { CoreV1Event, KubernetesObject, V1Job, V1Secret } from '@kubernetes/client-node'
import { answerCapacity, answerReview, type Account } from './account.ts'
import { admitJob, admitSecret } from './admission.ts'
import type { ContainerLogs } from './container-logs.ts'
import type { JobController } from './job-controller.ts'
import { serveLog } from './serve-log.ts'
import { gone, notFound, Refusal } from './status.ts'
import type { Change, Resource, Store } from './store.ts'

export interface ApiOptions {
  readonly store: Store
  readonly logs: ContainerLogs
  readonly controller: JobController
  readonly namespaces: readonly string[]
  readonly account: Account
}

export interface Api {
  /** Answers, or throws a Refusal. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>
  breakStreams(how: 'reset' | 'end'): void
  compact(): void
}

interface Target {
  readonly resource: Resource
  readonly namespace: string
  readonly name: string | undefined
  readonly query: URLSearchParams
}

const kinds: Record<Resource, string> = {
  jobs: 'Job',
  pods: 'Pod',
  secrets: 'Secret',
  events: 'Event',
}

/** The part of the API that a namespaced role of kanihook may use. */
export function createApi({ store, logs, controller, namespaces, account }: ApiOptions): Api {
  const streams = new Set<ServerResponse>()
  let oldest = 0

  function stream(response: ServerResponse, stop: () => void): void {
    streams.add(response)
    response.once('close', () => {
      streams.delete(response)
      stop()
    })
  }

  function list(response: ServerResponse, { resource, namespace, query }: Target): void {
    const items = store.list(resource, namespace).filter((object) => selects(query, object))
    const kind = `${kinds[resource]}List`
    json(response, 200, { kind, metadata: { resourceVersion: String(store.version) }, items })
  }

  function watch(response: ServerResponse, { resource, namespace, query }: Target): void {
    const from = Number(query.get('resourceVersion'))
    response.writeHead(200, { 'content-type': 'application/json' })
    const send = (type: string, object: object): void => {
      if (!response.writableEnded) response.write(`${JSON.stringify({ type, object })}\n`)
    }
    if (from < oldest) {
      send('ERROR', gone.toStatus())
      response.end()
      return
    }
    response.flushHeaders()
    const stop = store.watch(from, (change: Change) => {
      const { object } = change
      const meant = change.resource === resource && object.metadata?.namespace === namespace
      if (meant && selects(query, object)) send(change.type, object)
    })
    stream(response, stop)
  }

  function create(response: ServerResponse, target: Target, body: unknown): void {
    const { resource, namespace } = target
    if (resource === 'jobs') {
      admitJob(body as V1Job)
      if (account.warning !== undefined) response.setHeader('warning', account.warning)
      // Judged as any other, and not kept.
      if (target.query.get('dryRun') === 'All') return json(response, 201, body as V1Job)
      const job = store.create('jobs', namespace, body as V1Job)
      json(response, 201, job)
      controller.created(job)
    } else if (resource === 'secrets') {
      json(response, 201, store.create('secrets', namespace, admitSecret(body as V1Secret)))
    } else throw new Refusal(405, 'MethodNotAllowed', `cannot create ${resource}`)
  }

  function remove(response: ServerResponse, target: Target, body: unknown): void {
    const { resource, namespace, name = '', query } = target
    const options = (body ?? {}) as { propagationPolicy?: string; gracePeriodSeconds?: number }
    if (resource === 'jobs') {
      const policy = query.get('propagationPolicy') ?? options.propagationPolicy
      controller.deleteJob(store.get(resource, namespace, name), policy ?? 'Background')
    } else if (resource === 'pods') {
      const grace = query.get('gracePeriodSeconds') ?? options.gracePeriodSeconds
      controller.deletePod(store.get(resource, namespace, name), String(grace) === '0')
    } else store.remove(resource, store.get(resource, namespace, name))
    json(response, 200, { kind: 'Status', apiVersion: 'v1', status: 'Success' })
  }

  return {
    async handle(request, response) {
      const url = new URL(request.url ?? '/', 'http://api')
      if (url.pathname === '/version') return json(response, 200, { gitVersion: 'v1.36.2' })
      const [, namespaceOnly] = /^\/api\/v1\/namespaces\/([^/]+)$/.exec(url.pathname) ?? []
      if (namespaceOnly !== undefined) {
        if (!namespaces.includes(namespaceOnly)) throw notFound('namespaces', namespaceOnly)
        const metadata = { name: namespaceOnly, labels: account.labels ?? {} }
        return json(response, 200, { kind: 'Namespace', metadata })
      }
      const body = await jsonBody(request)
      const review = answerReview(account, url.pathname, body)
      if (review) return json(response, 201, review)
      const capacity = answerCapacity(account, url.pathname)
      if (capacity) return json(response, 200, capacity)
      const path =
        /^\/(?:api\/v1|apis\/batch\/v1)\/namespaces\/([^/]+)\/(jobs|pods|secrets|events)(?:\/([^/]+))?(\/log)?$/
      const [, namespace = '', resource, name, log] = path.exec(url.pathname) ?? []
      if (!resource) throw new Refusal(404, 'NotFound', 'the server could not find the resource')
      if (!namespaces.includes(namespace)) throw notFound('namespaces', namespace)
      const query = url.searchParams
      const target = { resource: resource as Resource, namespace, name, query }
      if (request.method === 'POST') return create(response, target, body)
      if (request.method === 'DELETE') return remove(response, target, body)
      if (request.method !== 'GET') throw new Refusal(405, 'MethodNotAllowed', 'not supported')
      if (name !== undefined && log) {
        const pod = store.get('pods', namespace, name)
        return serveLog({ pod, query, logs, response, stream })
      }
      if (name !== undefined)
        return json(response, 200, store.get(target.resource, namespace, name))
      return query.get('watch') === 'true' ? watch(response, target) : list(response, target)
    },
    breakStreams(how) {
      for (const response of streams) {
        if (how === 'end') response.end()
        else response.socket?.destroy()
      }
    },
    compact() {
      oldest = store.version
      for (const response of streams) response.socket?.destroy()
    },
  }
}

/** `a=b,c=d` of labels, and the one field selector that is used. */
function selects(query: URLSearchParams, object: KubernetesObject): boolean {
  const labels = (query.get('labelSelector') ?? '').split(',').filter(Boolean)
  const [field = '', value] = (query.get('fieldSelector') ?? '').split('=')
  const involved = (object as CoreV1Event).involvedObject
  return (
    labels.every((pair) => {
      const [key = '', wanted] = pair.split('=')
      const value = object.metadata?.labels?.[key]
      // A key alone: whoever has it.
      return wanted === undefined ? value !== undefined : value === wanted
    }) &&
    (field === '' || (field === 'involvedObject.uid' && involved?.uid === value))
  )
}

function json(response: ServerResponse, code: number, body: object): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

async function jsonBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  if (chunks.length === 0) return undefined
  try {
    return JSON.parse(Buffer.concat(chunks).toString())
  } catch {
    throw new Refusal(400, 'BadRequest', 'the body is not JSON')
  }
}
