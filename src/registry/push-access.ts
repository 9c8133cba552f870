import { z } from 'zod'
import type { DockerLogin } from './docker-login.ts'
import { failureReason } from '../http/failure-reason.ts'
import { readChallenge, type Challenge } from './challenge.ts'
import { ask, type RegistryAnswer, type RegistryRequest } from './request.ts'

export interface RegistryTarget {
  /** `host[:port]` as in an image's name. */
  readonly host: string
  readonly insecure: boolean
  readonly skipTlsVerify: boolean
  readonly login: DockerLogin | undefined
  /** For each answer, in milliseconds. */
  readonly timeoutMs: number
}

/** How a registry met a question. */
export type Access =
  | { readonly kind: 'granted' }
  /** The login itself is wrong, or there has to be one. */
  | { readonly kind: 'unauthorized'; readonly said: string }
  /** Whoever this is may not do it. */
  | { readonly kind: 'denied'; readonly said: string }
  | { readonly kind: 'no-repository'; readonly said: string }
  /** It wants the login at a place where it must not go. */
  | { readonly kind: 'refused-realm'; readonly realm: string }
  | { readonly kind: 'redirected'; readonly to: string }
  | { readonly kind: 'unreachable'; readonly reason: string }
  /** What answers does not speak the protocol, or has trouble of its own. */
  | { readonly kind: 'odd'; readonly said: string }

export interface Registry {
  /** Whether it is a registry that takes the login. */
  login(): Promise<Access>
  /** Whether an image of this name may be pushed: begins an upload, and cancels it. Pushes nothing. */
  push(name: string): Promise<Access>
  /** The digest that an image's tag, or a digest itself, stands for there now. Pulls nothing. */
  digest(name: string, reference: string): Promise<Access | Digest>
}

export interface Digest {
  readonly kind: 'digest'
  /** `sha256:…` */
  readonly digest: string
}

/** What an image may be described by: an index of platforms before the manifest of one. */
const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

/**
 * A registry, by the OCI distribution protocol (https://github.com/opencontainers/distribution-spec)
 * and its token protocol (https://distribution.github.io/distribution/spec/auth/token). The login goes
 * to the registry's own host, and where that names a token server, there, over HTTPS (HTTP for a
 * registry that is marked insecure); a redirect takes it nowhere.
 */
export function createRegistry(target: RegistryTarget): Registry {
  const base = `${target.insecure ? 'http' : 'https'}://${target.host}`
  const at = (url: URL): Pick<RegistryRequest, 'url' | 'verifyTls' | 'timeoutMs'> => ({
    url,
    verifyTls: !(target.skipTlsVerify && url.host === new URL(base).host),
    timeoutMs: target.timeoutMs,
  })

  /** Sends as anybody, and where a login is wanted, once more with it. */
  async function send(
    method: RegistryRequest['method'],
    url: URL,
    scope: string | undefined,
    accept?: string,
  ): Promise<{ readonly answer: RegistryAnswer; readonly authorization?: string } | Access> {
    const first = await ask({ method, accept, ...at(url) })
    if (first.status !== 401) return { answer: first }
    const challenge = readChallenge(first.headers['www-authenticate'])
    if (!challenge) return { kind: 'odd', said: 'it names no way to log in' }
    const authorization = await authorize(challenge, scope)
    if (typeof authorization !== 'string') return authorization
    return { answer: await ask({ method, authorization, accept, ...at(url) }), authorization }
  }

  async function authorize(challenge: Challenge, scope: string | undefined) {
    const { login } = target
    if (challenge.scheme === 'basic') {
      const none: Access = { kind: 'unauthorized', said: '401 without a login' }
      return login ? basic(login) : none
    }
    if (login?.registryToken !== undefined) return `Bearer ${login.registryToken}`
    return await tokenOf(challenge, scope)
  }

  async function tokenOf(
    { realm, service }: Extract<Challenge, { scheme: 'bearer' }>,
    scope: string | undefined,
  ): Promise<string | Access> {
    const { login, insecure } = target
    const url = URL.parse(realm)
    const allowed = url?.protocol === 'https:' || (insecure && url?.protocol === 'http:')
    if (!url || !allowed || url.username || url.password) {
      return { kind: 'refused-realm', realm: url?.origin ?? 'no URL' }
    }
    const asked = { ...(service === undefined ? {} : { service }), ...(scope ? { scope } : {}) }
    const refresh = login?.identityToken
    if (refresh === undefined) {
      for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value)
    }
    const answer = await ask(
      refresh === undefined
        ? { method: 'GET', ...at(url), ...(login ? { authorization: basic(login) } : {}) }
        : {
            method: 'POST',
            ...at(url),
            form: new URLSearchParams({
              grant_type: 'refresh_token',
              refresh_token: refresh,
              client_id: 'kanihook',
              ...asked,
            }),
          },
    )
    const said = sayingOf(answer)
    if ([400, 401, 403].includes(answer.status)) return { kind: 'unauthorized', said }
    const body = tokenSchema.safeParse(parsed(answer.body)).data
    const token = body?.token ?? body?.access_token
    if (answer.status !== 200 || !token) {
      return { kind: 'odd', said: `its token server answers ${said}` }
    }
    return `Bearer ${token}`
  }

  /** Takes back what a push began; a registry that does not let it be forgets it by itself. */
  async function cancel(location: string | undefined, url: URL, authorization?: string) {
    const upload = URL.parse(location ?? '', url.href)
    if (!upload || upload.host !== url.host) return
    // Behind a proxy a registry may not know that it is reached by HTTPS.
    upload.protocol = url.protocol
    await ask({ method: 'DELETE', authorization, ...at(upload) }).catch(() => undefined)
  }

  return {
    login: () =>
      reached(async () => {
        const sent = await send('GET', new URL(`${base}/v2/`), undefined)
        if ('kind' in sent) return sent
        const { answer } = sent
        if (answer.status === 403) return { kind: 'unauthorized', said: sayingOf(answer) }
        return accessOf(answer, [200])
      }),

    push: (name) =>
      reached(async () => {
        const url = new URL(`${base}/v2/${name}/blobs/uploads/`)
        const sent = await send('POST', url, `repository:${name}:pull,push`)
        if ('kind' in sent) return sent
        const { answer, authorization } = sent
        if (answer.status === 202) await cancel(answer.headers.location, url, authorization)
        return accessOf(answer, [202])
      }),

    digest: (name, reference) =>
      reached(async () => {
        const url = new URL(`${base}/v2/${name}/manifests/${reference}`)
        const sent = await send('HEAD', url, `repository:${name}:pull`, manifestTypes)
        if ('kind' in sent) return sent
        const { answer } = sent
        const digest = String(answer.headers['docker-content-digest'] ?? '')
        if (answer.status !== 200) return accessOf(answer, [])
        return /^sha256:[0-9a-f]{64}$/.test(digest)
          ? { kind: 'digest', digest }
          : { kind: 'odd', said: 'it does not tell the digest' }
      }),
  }
}

async function reached<T>(question: () => Promise<T | Access>): Promise<T | Access> {
  try {
    return await question()
  } catch (error) {
    return { kind: 'unreachable', reason: failureReason(error) }
  }
}

function accessOf(answer: RegistryAnswer, good: readonly number[]): Access {
  const { status, headers } = answer
  const said = sayingOf(answer)
  if (good.includes(status)) return { kind: 'granted' }
  if (status === 401) return { kind: 'unauthorized', said }
  if (status === 403) return { kind: 'denied', said }
  if (status === 404) return { kind: 'no-repository', said }
  if (status >= 300 && status < 400) {
    return { kind: 'redirected', to: URL.parse(headers.location ?? '')?.host ?? 'another path' }
  }
  return { kind: 'odd', said }
}

const basic = ({ username, password }: DockerLogin): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

const tokenSchema = z.object({ token: z.string().optional(), access_token: z.string().optional() })
const errorsSchema = z.object({ errors: z.array(z.object({ code: z.string() })) })

/** `403 DENIED`: the status and the code of the protocol's error, and no more of what was answered. */
function sayingOf({ status, body }: RegistryAnswer): string {
  const code = errorsSchema.safeParse(parsed(body)).data?.errors[0]?.code ?? ''
  return /^[A-Z_]{1,40}$/.test(code) ? `${status} ${code}` : `HTTP ${status}`
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
