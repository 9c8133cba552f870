import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Gitea } from '../../cluster/gitea.ts'
import { keyAndCertificate } from '../../support/untrusted-certificate.ts'

/** What pods meet at a repository, while kanihook itself finds all in order. */
export type ForgeFault =
  /** Their login is changed to one that the forge does not know, as if it had been revoked. */
  | 'revoked'
  /** The connection breaks off. */
  | 'reset'
  /** The forge is overloaded. */
  | 'busy'
  /** They get the repository of another path, as if this one had been rewritten. */
  | { readonly instead: string }

/** The real Gitea with faults before it, for builds: what happens after a push is planned and before it is cloned. */
export interface FaultyForge {
  readonly url: string
  /** The same by HTTPS, with a certificate that is trusted by whoever is told of it. */
  readonly tlsUrl: string
  readonly certificate: string
  /** By the path of the repository. */
  readonly faults: Map<string, ForgeFault>
  close(): Promise<void>
}

export async function startFaultyForge(gitea: Gitea, address: string): Promise<FaultyForge> {
  const faults = new Map<string, ForgeFault>()
  const { hostname, port } = new URL(gitea.url)

  function handle(incoming: IncomingMessage, response: ServerResponse): void {
    const { method, url = '', headers, socket } = incoming
    const path = /^\/([^/]+\/[^/]+)\.git\//.exec(url)?.[1] ?? ''
    // kanihook runs beside this, and pods have addresses of their own.
    const fault = socket.remoteAddress === address ? undefined : faults.get(path)
    if (fault === 'reset') {
      socket.resetAndDestroy()
      return
    }
    if (fault === 'busy') {
      response.writeHead(503).end()
      return
    }
    const changed = fault === 'revoked' ? { authorization: 'Basic YTpi' } : {}
    const upstream = request(
      {
        hostname,
        port,
        method,
        path: typeof fault === 'object' ? url.replace(path, fault.instead) : url,
        headers: headers.authorization === undefined ? headers : { ...headers, ...changed },
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      },
    )
    upstream.on('error', () => response.destroy())
    incoming.pipe(upstream)
  }

  const pair = keyAndCertificate(address)
  const servers = [createServer(handle), createTlsServer(pair, handle)]
  const hosts: string[] = []
  for (const server of servers) {
    await once(server.listen(0, address), 'listening')
    hosts.push(`${address}:${(server.address() as AddressInfo).port}`)
  }
  return {
    url: `http://${hosts[0]}`,
    tlsUrl: `https://${hosts[1]}`,
    certificate: pair.cert,
    faults,
    async close() {
      for (const server of servers) {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }
    },
  }
}
