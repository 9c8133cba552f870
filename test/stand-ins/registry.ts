import { randomBytes, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface RegistryOptions {
  /** How it wants to be logged in to; `none`: not at all. */
  readonly login: 'basic' | 'bearer' | 'none'
  readonly username?: string
  readonly password?: string
  /** What the login may push to; everything, unless said. */
  readonly mayPush?: (name: string) => boolean
  /** The repositories that exist; undefined: any is made by a push. */
  readonly repositories?: readonly string[]
  /** Digests of the images that it has, by `name:tag`. */
  readonly images?: Readonly<Record<string, string>>
  /** Where its token server is said to be, in place of its own. */
  readonly realm?: string
  /** Answers everything so, in place of the protocol. */
  readonly broken?: { readonly status: number; readonly headers?: Record<string, string> }
  readonly tls?: { readonly key: string; readonly cert: string }
}

/** A stand-in for a registry: as much of the OCI distribution and token protocols as begins a push, or asks for a digest. */
export interface RegistryStandIn {
  /** `127.0.0.1:<port>` */
  readonly host: string
  /** `METHOD /path` of each request, with the kind of its login: `none`, `Basic`, `Bearer`. */
  readonly requests: readonly string[]
  /** Uploads that were begun and not cancelled. */
  readonly uploads: ReadonlySet<string>
  close(): Promise<void>
}

export async function startRegistryStandIn(options: RegistryOptions): Promise<RegistryStandIn> {
  const { login, username = '', password = '', mayPush = () => true, repositories, tls } = options
  const requests: string[] = []
  const uploads = new Set<string>()
  /** Repositories that a token may push to. */
  const tokens = new Map<string, (name: string) => boolean>()
  let host = ''

  const isRight = (authorization: string): boolean =>
    authorization === `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

  const refuse = (response: ServerResponse, status: number, code: string): void => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ errors: [{ code, message: 'refused' }] }))
  }

  function challenge(response: ServerResponse, scope: string): void {
    const realm = options.realm ?? `${tls ? 'https' : 'http'}://${host}/token`
    const bearer = `Bearer realm="${realm}",service="stand-in"${scope && `,scope="${scope}"`}`
    response.setHeader('www-authenticate', login === 'basic' ? 'Basic realm="stand-in"' : bearer)
    refuse(response, 401, 'UNAUTHORIZED')
  }

  /** The token server: asked with the login, or with a refresh token that is the password. */
  function giveToken(
    url: URL,
    form: URLSearchParams,
    authorization: string,
    response: ServerResponse,
  ) {
    const refresh = form.get('refresh_token')
    if (refresh === null ? authorization && !isRight(authorization) : refresh !== password) {
      return refuse(response, 401, 'UNAUTHORIZED')
    }
    const scope = url.searchParams.get('scope') ?? form.get('scope') ?? ''
    const [, asked] = /^repository:(.+):pull(?:,push)?$/.exec(scope) ?? []
    const known = authorization !== '' || refresh !== null
    const token = randomBytes(12).toString('hex')
    tokens.set(token, (name) => known && name === asked && mayPush(name))
    response.writeHead(200, { 'content-type': 'application/json' })
    return response.end(JSON.stringify(refresh === null ? { token } : { access_token: token }))
  }

  /** What the login may push to; undefined: there is none, or it is wrong. */
  function rightsOf(authorization: string): ((name: string) => boolean) | undefined {
    if (login === 'none') return mayPush
    if (login === 'basic') return isRight(authorization) ? mayPush : undefined
    return tokens.get(authorization.replace(/^Bearer /, ''))
  }

  /** Anybody may pull, as a login or, where tokens are given, with one of nobody. */
  function giveDigest(
    name: string,
    reference: string,
    authorization: string,
    response: ServerResponse,
  ): void {
    if (login !== 'none' && authorization === '') {
      return challenge(response, `repository:${name}:pull`)
    }
    const held = Object.entries(options.images ?? {})
    const [, digest] =
      held.find(([image]) => image === `${name}:${reference}`) ??
      held.find(([image, hash]) => image.startsWith(`${name}:`) && hash === reference) ??
      []
    if (digest === undefined) return refuse(response, 404, 'MANIFEST_UNKNOWN')
    response.writeHead(200, { 'docker-content-digest': digest }).end()
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', headers } = request
    const url = new URL(request.url ?? '/', `http://${host}`)
    const authorization = headers.authorization ?? ''
    requests.push(`${method} ${url.pathname} ${authorization.split(' ')[0] || 'none'}`)
    const form = new URLSearchParams(await text(request))
    response.setHeader('x-stand-in', 'registry')
    if (options.broken) {
      response.writeHead(options.broken.status, options.broken.headers).end()
      return
    }
    if (url.pathname === '/token') return void giveToken(url, form, authorization, response)
    const [, image = '', reference = ''] =
      /^\/v2\/(.+)\/manifests\/([^/]+)$/.exec(url.pathname) ?? []
    if (image !== '') return giveDigest(image, reference, authorization, response)
    const rights = rightsOf(authorization)
    if (url.pathname === '/v2/') {
      if (!rights) return challenge(response, '')
      return void response.writeHead(200).end('{}')
    }
    const [, name = '', upload = ''] =
      /^\/v2\/(.+)\/blobs\/uploads\/([^/]*)$/.exec(url.pathname) ?? []
    if (name === '') return refuse(response, 404, 'UNSUPPORTED')
    if (!rights) return challenge(response, `repository:${name}:pull,push`)
    if (!rights(name)) {
      // A token without the right is asked for a better one; a login without it is refused.
      if (login === 'bearer') return challenge(response, `repository:${name}:pull,push`)
      return refuse(response, 403, 'DENIED')
    }
    if (repositories && !repositories.includes(name)) return refuse(response, 404, 'NAME_UNKNOWN')
    if (method === 'DELETE') {
      uploads.delete(upload)
      return void response.writeHead(204).end()
    }
    const id = randomUUID()
    uploads.add(id)
    const location = `/v2/${name}/blobs/uploads/${id}?_state=x`
    response.writeHead(202, { location, 'docker-upload-uuid': id }).end()
  }

  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    answer(request, response).catch(() => response.destroy())
  }
  const server = tls ? createTlsServer({ ...tls }, handle) : createServer(handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    host,
    requests,
    uploads,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()))
        server.closeAllConnections()
      }),
  }
}
