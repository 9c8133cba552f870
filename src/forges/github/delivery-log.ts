import { z } from 'zod'
import type { Repository } from '../../builds/push-event.ts'
import { PermanentError } from '../../errors.ts'
import { isSuccess, type Api, type ApiRequest } from '../api.ts'
import type { DeliveryLog, FailedDelivery, ForgeSettings } from '../forge.ts'
import { configuredToken } from '../login.ts'
import { appAccount, createSigner } from './tokens.ts'

/** GitHub sends again what is at most so old. */
const mostMs = 3 * 24 * 3_600_000

/** A page has 100; there are many only after an outage. */
const mostPages = 20

const hooksSchema = z.array(z.object({ id: z.int(), config: z.object({ url: z.string() }) }))
const configSchema = z.object({ url: z.string().optional() })
const deliveriesSchema = z.array(
  z.object({
    id: z.int(),
    guid: z.string().min(1).max(255),
    delivered_at: z.iso.datetime({ offset: true }),
    status: z.string(),
    status_code: z.int(),
    event: z.string(),
  }),
)

const purpose = {
  what: 'the question about failed deliveries',
  check: 'may the token read and write webhooks, and is its owner an admin of the repository?',
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const { data } = schema.safeParse(body)
  if (data !== undefined) return data
  throw new PermanentError('GitHub: the API answered what is no list of deliveries')
}

/**
 * GitHub's log of the webhooks that it sent: that of the App, or with a token those of each repository's own
 * webhooks. https://docs.github.com/rest/repos/webhooks
 */
export function createGithubDeliveryLog({ login }: ForgeSettings, api: Api): DeliveryLog {
  const sign = login && 'appId' in login ? createSigner(login) : undefined
  const token = async (): Promise<ApiRequest['login']> => ({
    header: 'authorization',
    scheme: 'Bearer',
    token: await (sign ? sign() : configuredToken('GitHub', login)),
    ...(sign ? { account: appAccount } : {}),
  })

  async function get(path: readonly string[], query: Readonly<Record<string, string>> = {}) {
    const request: ApiRequest = { method: 'GET', path, query, login: await token(), ...purpose }
    const answer = await api.send(request)
    if (!isSuccess(answer)) throw api.error(request, answer)
    return answer
  }

  /** Where the log of the hook that sends to this URL is; undefined: there is no such hook. */
  async function logAt(url: string, repository?: Repository): Promise<string[] | undefined> {
    if (sign) {
      const config = parse(configSchema, (await get(['app', 'hook', 'config'])).body)
      return config.url === url ? ['app', 'hook', 'deliveries'] : undefined
    }
    if (!repository) return undefined
    const hooks = ['repos', ...repository.path.split('/'), 'hooks']
    const list = parse(hooksSchema, (await get(hooks, { per_page: '100' })).body)
    const own = list.find(({ config }) => config.url === url)
    return own && [...hooks, String(own.id), 'deliveries']
  }

  return {
    of: sign ? 'forge' : 'repository',

    async failed(url, repository) {
      const log = await logAt(url, repository)
      if (!log) return []
      const found = new Map<string, FailedDelivery>()
      let cursor: string | undefined = ''
      for (let page = 0; cursor !== undefined && page < mostPages; page++) {
        const next: Record<string, string> = cursor === '' ? {} : { cursor }
        const answer = await get(log, { status: 'failure', per_page: '100', ...next })
        for (const each of parse(deliveriesSchema, answer.body)) {
          const { id, guid, event, status, status_code: code } = each
          const at = Date.parse(each.delivered_at)
          const isFailed = code < 200 || code > 299
          const isOurs = event === 'push' || event === 'pull_request'
          if (!isFailed || !isOurs || Date.now() - at > mostMs || found.has(guid)) continue
          const resend = async (): Promise<void> => {
            const path = [...log, String(id), 'attempts']
            await api.call({ method: 'POST', path, login: await token(), ...purpose })
          }
          found.set(guid, { id: guid, at, status, resend })
        }
        cursor = nextCursor(answer.headers)
      }
      return [...found.values()]
    },
  }
}

/** `<https://api.github.com/…?per_page=100&cursor=v1_1>; rel="next"` */
function nextCursor(headers: Headers): string | undefined {
  const next = /<([^>]*)>;\s*rel="next"/.exec(headers.get('link') ?? '')?.[1]
  return (next && URL.parse(next)?.searchParams.get('cursor')) ?? undefined
}
