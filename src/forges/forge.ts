import type { GitCredential } from '../builds/ports.ts'
import type { PushEvent, Repository } from '../builds/push-event.ts'
import type { Budget } from './api.ts'
import type { Need } from './budget.ts'
import type { ForgeExamination } from './examination.ts'

/**
 * The port between kanihook and a forge. A forge is one folder that exports a `ForgeDriver`, and one
 * line in `index.ts`. Every driver passes the same contract suite (`test/contracts/forge.ts`).
 */
export interface ForgeDriver {
  /** Route (`/webhooks/<name>`), key in records, and in lower case the prefix of its variables. */
  readonly name: string
  /** `https://github.com`: where people and git reach the forge, unless `<PREFIX>_URL` says else. */
  readonly defaultUrl: string
  /** Whether nearly everybody runs it at an address of their own: that `defaultUrl` holds is then told. */
  readonly isSelfHosted: boolean
  /** The API's base for a forge at `url`, unless `<PREFIX>_API_URL` says else. No trailing slash. */
  apiUrl(url: string): string
  /** Whether `<PREFIX>_APP_ID` and `<PREFIX>_APP_PRIVATE_KEY` may stand in for a token. */
  readonly hasApps: boolean
  webhooks(settings: Pick<ForgeSettings, 'url' | 'webhookSecrets'>): WebhookReader
  /** `budget`: what its credential may still ask of the API; undefined: whatever it likes. */
  client(settings: ForgeSettings, budget?: Budget): ForgeClient
  /**
   * Asks the API about the login, and changes nothing: is it valid, whose is it, may it do what kanihook
   * does, when does it end, how many requests are left? Ends within 10 seconds. Rejects for faults of
   * kanihook's own alone: what is wrong with the login or the forge is in the remarks.
   */
  examine(settings: ForgeSettings): Promise<ForgeExamination>
}

export interface ForgeSettings {
  /** No trailing slash. */
  readonly url: string
  /** `ssh://git@host[:port]`: where git over SSH is; undefined: `git` at the host of `url`. */
  readonly sshUrl?: string | undefined
  readonly apiUrl: string
  /** Newest first, none empty; none at all where entries alone have secrets. */
  readonly webhookSecrets: readonly string[]
  /** Undefined in a process without the worker role. */
  readonly login: ForgeLogin | undefined
}

export type ForgeLogin =
  { readonly token: string } | { readonly appId: string; readonly privateKey: string }

export interface WebhookRequest {
  /** As node:http gives them: lower-case names, repeated ones joined by `, `. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** The bytes as they came: what is signed. */
  readonly body: Buffer
  /** Milliseconds since the epoch. */
  readonly receivedAt: number
}

export type WebhookMessage =
  /** The forge's own test of the hook. */
  | { readonly kind: 'ping' }
  /** Verified, and of an event that kanihook does not act on. */
  | { readonly kind: 'other'; readonly event: string }
  /** A push, or what changed the head of a pull request or whether that is open. */
  | {
      readonly kind: 'push'
      /**
       * What is the same in every redelivery of this one: the forge's delivery id, or where there is
       * none a text made of project, ref, before and after. At most 255 characters of it count.
       */
      readonly identity: string
      readonly forgeId: string | undefined
      readonly event: PushEvent
    }

export interface WebhookReader {
  /**
   * Verifies, then reads. Throws DeliveryRejected: 401 where the signature is absent or wrong (in
   * constant time, every secret tried), 400 for a missing header or a body that is not what the event
   * says. The messages are constant. No side effect.
   */
  read(request: WebhookRequest): Promise<WebhookMessage>
}

/** A commit status as kanihook thinks of it; each forge maps the state to what it has. */
export interface CommitStatus {
  /** `kanihook/<image>` */
  readonly context: string
  readonly state: 'queued' | 'building' | 'success' | 'skipped' | 'failure' | 'error' | 'cancelled'
  /** At most 140 characters. */
  readonly description: string
  /** The build's page, where there are pages. */
  readonly targetUrl?: string
}

/** How well a status can wait. */
export const needOf = ({ state }: Pick<CommitStatus, 'state'>): Need =>
  state === 'queued' || state === 'building' ? 'pending' : 'end'

export interface StatusPost {
  readonly repository: Repository
  readonly sha: string
  readonly ref: string
  /** The branch that a pull request comes from. */
  readonly headBranch?: string
  readonly status: CommitStatus
  /** What the last post for this commit and context returned. */
  readonly memory: string | undefined
}

/** One webhook that a forge sent in vain. */
export interface FailedDelivery {
  /** The same in every sending of it. */
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** What it met, in the forge's words. */
  readonly status: string
  /** Has the forge send it again. Throws as `ForgeClient.postStatus`. */
  resend(): Promise<void>
}

/** The log of the webhooks that a forge sent. */
export interface DeliveryLog {
  /** Whether there is one log of the whole forge, or one of each repository. */
  readonly of: 'forge' | 'repository'
  /**
   * The pushes and pull requests among the failed ones of the last days, newest first, that were sent to this URL.
   * `repository`: where there is a log of each. Throws as `ForgeClient.postStatus`: PermanentError where the login
   * may not read it.
   */
  failed(url: string, repository?: Repository): Promise<readonly FailedDelivery[]>
}

/** What the worker asks of a forge's API. Requests go to the configured API and nowhere else. */
export interface ForgeClient {
  /** The https URL that git clones from: the configured URL and the repository's path. */
  cloneUrl(repository: Repository): string
  /** The same by SSH. */
  sshUrl(repository: Repository): string
  /** A login for that URL: read-only and of this one repository where the forge can make such. */
  credential(repository: Repository): Promise<GitCredential>
  /**
   * What the forge has at the repository's path now, its own id and spelling; undefined: nothing that the
   * login sees. Throws as `postStatus`.
   */
  find(repository: Repository): Promise<Pick<Repository, 'id' | 'path'> | undefined>
  /**
   * Shows a status. Repeating one is fine. Returns what the next post for this commit and context
   * must know, if anything. Throws PermanentError where trying again cannot help (no access, no such
   * commit), RetryLater otherwise, with the forge's Retry-After.
   */
  postStatus(post: StatusPost): Promise<string | undefined>
  /** Of a forge that does not send again by itself, and can be asked to. */
  readonly deliveryLog?: DeliveryLog
}
