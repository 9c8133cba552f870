import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { KubeConfig, type V1Job, type V1Secret } from '@kubernetes/client-node'
import type { Account } from './account.ts'
import { createContainerLogs } from './container-logs.ts'
import { createJobController } from './job-controller.ts'
import type { PodRunner } from './pod-handle.ts'
import { createApi } from './routes.ts'
import { Refusal } from './status.ts'
import { createStore } from './store.ts'

export interface KubernetesOptions {
  readonly runner: PodRunner
  readonly namespaces?: readonly string[]
  readonly host?: string
  readonly port?: number
  /** From a container's end to the pod's phase, and on to the Job's condition; 20 ms unless said. */
  readonly lagMs?: number
  /** What it says of who asks, and of the namespaces. */
  readonly account?: Account
}

/** What goes wrong with the next requests whose `METHOD /path` matches. */
export interface Fault {
  readonly match: RegExp
  /** A Status, a connection that breaks, or no answer at all. */
  readonly answer: Refusal | 'reset' | 'silence'
  /** How many requests; one unless said. */
  readonly times?: number
}

/** A stand-in for the Kubernetes API and the cluster behind it, on a loopback port. */
export interface Kubernetes {
  readonly url: string
  kubeConfig(): KubeConfig
  /** A kubeconfig file's text, for processes. */
  kubeConfigYaml(): string
  fault(fault: Fault): void
  /** Breaks every stream (watches and logs) in the middle, or ends it as if it were complete. */
  breakStreams(how?: 'reset' | 'end'): void
  /** Watches that start from before now are too old. */
  compact(): void
  /** Why no pod can be created from now on; undefined: it can. */
  refusePods(why: string | undefined): void
  job(name: string, namespace?: string): V1Job | undefined
  secret(name: string, namespace?: string): V1Secret | undefined
  putSecret(
    name: string,
    data: Readonly<Record<string, string>>,
    namespace?: string,
    type?: string,
  ): void
  /** `METHOD /path?query` of each request so far. */
  readonly requests: readonly string[]
  /** Ends every pod, every connection and the server. */
  stop(): Promise<void>
}

const token = 'stand-in-token'

export async function startKubernetes(options: KubernetesOptions): Promise<Kubernetes> {
  const { runner, namespaces = ['kanihook-builds'], host = '127.0.0.1', port = 0 } = options
  const store = createStore()
  const logs = createContainerLogs()
  let podRefusal: string | undefined
  const controller = createJobController({
    store,
    logs,
    runner,
    lagMs: options.lagMs ?? 20,
    podRefusal: () => podRefusal,
  })
  const { account = {} } = options
  const api = createApi({ store, logs, controller, namespaces, account })
  const faults: { fault: Fault; left: number }[] = []
  const requests: string[] = []
  const sockets = new Set<Socket>()

  const takeFault = (line: string): Fault['answer'] | undefined => {
    const found = faults.find(({ fault, left }) => left > 0 && fault.match.test(line))
    if (found) found.left -= 1
    return found?.fault.answer
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const line = `${request.method} ${request.url}`
    requests.push(line)
    const fault = takeFault(line)
    if (fault === 'silence') return
    if (fault === 'reset') return void request.socket.destroy()
    try {
      if (fault) throw fault
      if (request.headers.authorization !== `Bearer ${token}`) {
        throw new Refusal(401, 'Unauthorized', 'Unauthorized')
      }
      await api.handle(request, response)
    } catch (error) {
      const refusal =
        error instanceof Refusal ? error : new Refusal(500, 'InternalError', String(error))
      if (response.headersSent) return void response.destroy()
      response.writeHead(refusal.code, { 'content-type': 'application/json' })
      response.end(JSON.stringify(refusal.toStatus()))
    }
  }

  const server = createServer((request, response) => void answer(request, response))
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(port, host)
  await once(server, 'listening')
  const url = `http://${host}:${(server.address() as AddressInfo).port}`
  const namespaceOr = (namespace?: string): string => namespace ?? namespaces[0] ?? 'default'

  const kubeConfig = (): KubeConfig => {
    const config = new KubeConfig()
    config.loadFromOptions({
      // Without skipTLSVerify the client refuses plain HTTP.
      clusters: [{ name: 'stand-in', server: url, skipTLSVerify: true }],
      users: [{ name: 'kanihook', token }],
      contexts: [{ name: 'stand-in', cluster: 'stand-in', user: 'kanihook' }],
      currentContext: 'stand-in',
    })
    return config
  }

  return {
    url,
    requests,
    kubeConfig,
    kubeConfigYaml: () => kubeConfig().exportConfig(),
    fault: (fault) => void faults.push({ fault, left: fault.times ?? 1 }),
    breakStreams: (how = 'reset') => api.breakStreams(how),
    compact: () => api.compact(),
    refusePods(why) {
      podRefusal = why
    },
    job: (name, namespace) => store.find('jobs', namespaceOr(namespace), name),
    secret: (name, namespace) => store.find('secrets', namespaceOr(namespace), name),
    putSecret(name, data, namespace, type = 'Opaque') {
      const encoded = Object.entries(data).map(([key, text]) => [
        key,
        Buffer.from(text).toString('base64'),
      ])
      store.create('secrets', namespaceOr(namespace), {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name },
        type,
        data: Object.fromEntries(encoded) as Record<string, string>,
      })
    },
    async stop() {
      await controller.stop()
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
