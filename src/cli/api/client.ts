import { setTimeout as delay } from 'node:timers/promises'
import type { z } from 'zod'
import type { Approval } from '../../admin/ports.ts'
import { failureReason } from '../../http/failure-reason.ts'
import { CommandFailed } from '../command.ts'
import { oneLine } from '../words.ts'
import {
  approvedSchema,
  buildSchema,
  errorSchema,
  logSchema,
  pageSchema,
  type ApiBuild,
  type ApiLog,
  type ApiUploads,
  uploadsSchema,
} from './answers.ts'
import { sendFile, type SendFileOptions } from './send-file.ts'
import type { ApiSettings } from './settings.ts'

/** A kanihook that does not answer now, and may in a moment. */
export class NoAnswer extends CommandFailed {
  override readonly name = 'NoAnswer'
}

export interface BuildsQuery {
  readonly id?: string | undefined
  readonly repository?: string | undefined
  readonly state?: string | undefined
  readonly limit: number
}

/** What a person chooses about one build, by the names of the API's parameters. */
export interface UploadWish {
  readonly image: string
  readonly dockerfile: string | undefined
  readonly target: string | undefined
  readonly buildArg: readonly string[]
}

/** The admin API of a running kanihook. Each method throws CommandFailed with a sentence. */
export interface ApiClient {
  /** Newest first, as many as are wanted, over as many pages as that takes. */
  builds(query: BuildsQuery): Promise<ApiBuild[]>
  build(id: string): Promise<ApiBuild>
  /** The log from a line on; 0 is the first that ever was. */
  log(id: string, from: number): Promise<ApiLog>
  rebuild(id: string, verbosity: string | undefined): Promise<ApiBuild>
  cancel(id: string): Promise<ApiBuild>
  /** What can be built of a folder. */
  uploads(): Promise<ApiUploads>
  /** Uploads an archive and has it built. */
  upload(wish: UploadWish, archive: Omit<SendFileOptions, 'headers'>): Promise<ApiBuild>
  /** Has a pull request's commit built. Returns the delivery that is planned. */
  approve(approval: Approval): Promise<string>
}

/** The most that the API gives at once. */
const pageSize = 200

/** How long an answer may take, in milliseconds. */
const timeoutMs = 15_000

/** Requests, and the token, go to the configured URL and nowhere else: redirects are not followed. */
export function createApiClient({ url, token }: ApiSettings): ApiClient {
  const common = {
    accept: 'application/json',
    'user-agent': 'kanihook',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }

  async function send(path: string, body?: object): Promise<{ status: number; text: string }> {
    try {
      const response = await fetch(`${url}/api${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
        headers: {
          ...common,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return { status: response.status, text: await response.text() }
    } catch (error) {
      throw unreached(error)
    }
  }

  const unreached = (error: unknown): NoAnswer =>
    new NoAnswer(
      `${url} cannot be reached (${failureReason(error)}): run it in kanihook's pod (kubectl exec), or ` +
        'kubectl port-forward to port 9090 of that, or name the address in KANIHOOK_URL',
      { cause: error },
    )

  async function call<T>(schema: z.ZodType<T>, path: string, body?: object): Promise<T> {
    return read(schema, await send(path, body))
  }

  function read<T>(schema: z.ZodType<T>, { status, text }: { status: number; text: string }): T {
    const value = parse(text)
    if (status >= 200 && status < 300) {
      const result = schema.safeParse(value)
      if (result.success) return result.data
      throw new CommandFailed(notKanihook(url))
    }
    const { data } = errorSchema.safeParse(value)
    throw refusal(status, data && quoted(data.error))
  }

  /** What kanihook says; should anything else answer, it may say what it was sent. */
  const quoted = (sentence: string): string =>
    oneLine(token === undefined ? sentence : sentence.replaceAll(token, '***')).slice(0, 300)

  function refusal(status: number, said: string | undefined): CommandFailed {
    if (status >= 300 && status < 400) {
      return new CommandFailed(
        `${url} answers with a redirect, which is not followed: name the address itself`,
      )
    }
    if (status === 401) {
      return new CommandFailed(
        token === undefined
          ? `${url} wants a token: set KANIHOOK_TOKEN to one of its ADMIN_TOKENS`
          : `${url} refuses the token: KANIHOOK_TOKEN must be one of its ADMIN_TOKENS`,
      )
    }
    if (status === 403) {
      return new CommandFailed(
        `${url} has no ADMIN_TOKENS and so answers its own machine alone: use kubectl exec or port-forward, or set them`,
      )
    }
    if (said === undefined || said === 'not found') return new CommandFailed(notKanihook(url))
    if (status === 404) {
      return new CommandFailed(`${said}: its id is wrong, or it is not kept any more`)
    }
    if (status >= 500) return new NoAnswer(`${url} cannot answer now: ${said}`)
    return new CommandFailed(said)
  }

  return {
    async builds({ limit, ...wanted }) {
      const found: ApiBuild[] = []
      for (let before: string | undefined; found.length < limit;) {
        const query = new URLSearchParams({ limit: `${Math.min(limit - found.length, pageSize)}` })
        for (const [name, value] of Object.entries({ ...wanted, before })) {
          if (value !== undefined) query.set(name, value)
        }
        const page = await call(pageSchema, `/builds?${query.toString()}`)
        found.push(...page.builds)
        if (page.next === null || page.builds.length === 0) break
        before = page.next
      }
      return found
    },
    build: (id) => call(buildSchema, one(id)),
    log: (id, from) => call(logSchema, `${one(id)}/log?from=${from}`),
    rebuild: (id, verbosity) =>
      call(buildSchema, `${one(id)}/rebuild`, verbosity === undefined ? {} : { verbosity }),
    uploads: () => call(uploadsSchema, '/uploads'),
    async upload(wish, archive) {
      const query = new URLSearchParams()
      for (const [name, value] of Object.entries(wish)) {
        for (const each of [value ?? []].flat()) query.append(name, each)
      }
      const headers = { ...common, 'content-type': 'application/gzip' }
      const target = `${url}/api/uploads?${query.toString()}`
      return read(
        buildSchema,
        await sendFile(target, { ...archive, headers }).catch((error: unknown) => {
          throw unreached(error)
        }),
      )
    },
    cancel: (id) => call(buildSchema, `${one(id)}/cancel`, {}),
    approve: async (approval) =>
      (await call(approvedSchema, '/pull-requests/approve', approval)).delivery,
  }
}

const one = (id: string): string => `/builds/${encodeURIComponent(id)}`

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const notKanihook = (url: string): string =>
  `${url} does not answer as kanihook's API does: is it the admin port (9090), and of the same version?`

/**
 * Asks until there is an answer, as when a pod or a port-forward is replaced. `patienceMs`: how long that may
 * take; `waiting` is called once when it begins to.
 */
export async function patiently<T>(
  ask: () => Promise<T>,
  { patienceMs, waiting }: { patienceMs: number; waiting: (error: NoAnswer) => void },
): Promise<T> {
  const end = Date.now() + patienceMs
  for (let told = false; ;) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof NoAnswer) || Date.now() >= end) throw error
      if (!told) waiting(error)
      told = true
      await delay(1_000)
    }
  }
}
