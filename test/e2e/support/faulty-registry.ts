import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Registry } from '../../cluster/registry.ts'
import { keyAndCertificate } from '../../support/untrusted-certificate.ts'

/**
 * The real registry with faults before it, for the repositories of these names:
 * `limited/…` allows nobody a pull now, `private/…` wants a login for one, `denied/…` takes no push from
 * whoever it is, `midway/…` takes every layer and then fails.
 */
export interface FaultyRegistry {
  /** `address:port`; plain HTTP, and no login is needed. */
  readonly host: string
  /** The same by HTTPS, with a certificate that nobody trusts. */
  readonly untrusted: string
  close(): Promise<void>
}

interface Fault {
  readonly method: string
  readonly path: RegExp
  readonly status: number
  readonly code: string
}

const faults: readonly Fault[] = [
  { method: 'GET', path: /^\/v2\/limited\/.*\/manifests\//, status: 429, code: 'TOOMANYREQUESTS' },
  { method: 'GET', path: /^\/v2\/private\/.*\/manifests\//, status: 401, code: 'UNAUTHORIZED' },
  { method: 'POST', path: /^\/v2\/denied\/.*\/uploads\//, status: 403, code: 'DENIED' },
  { method: 'PUT', path: /^\/v2\/midway\/.*\/manifests\//, status: 500, code: 'UNKNOWN' },
]

export async function startFaultyRegistry(
  registry: Registry,
  address: string,
): Promise<FaultyRegistry> {
  const login = Buffer.from(`${registry.username}:${registry.password}`).toString('base64')

  function handle(incoming: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '', headers } = incoming
    // Kaniko asks with HEAD first, whose answer has no words.
    const fault = faults.find(
      ({ path, method: of }) =>
        path.test(url) && (of === method || (of === 'GET' && method === 'HEAD')),
    )
    if (fault) {
      incoming.resume()
      response.writeHead(fault.status, {
        'content-type': 'application/json',
        ...(fault.status === 401 ? { 'www-authenticate': 'Basic realm="faulty"' } : {}),
      })
      response.end(JSON.stringify({ errors: [{ code: fault.code, message: 'by a test' }] }))
      return
    }
    const [host, port] = registry.host.split(':')
    // Its own host in `Host`, so that an upload goes on here.
    const forwarded = { ...headers, authorization: `Basic ${login}` }
    const upstream = request({ host, port, method, path: url, headers: forwarded }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    upstream.on('error', () => response.destroy())
    incoming.pipe(upstream)
  }

  const servers = [createServer(handle), createTlsServer(keyAndCertificate(address), handle)]
  const hosts: string[] = []
  for (const server of servers) {
    await once(server.listen(0, address), 'listening')
    hosts.push(`${address}:${(server.address() as AddressInfo).port}`)
  }
  const [host = '', untrusted = ''] = hosts
  return {
    host,
    untrusted,
    async close() {
      for (const server of servers) {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }
    },
  }
}
