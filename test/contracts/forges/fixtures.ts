import type { CommitStatus, ForgeLogin } from '../../../src/forges/forge.ts'
import type { DeliveryOptions, SignedDelivery } from '../../stand-ins/signed-delivery.ts'
import type { PushEvent } from '../../../src/builds/push-event.ts'

/** A payload as the forge sends it, and what kanihook makes of it (the host apart). */
export interface PushExample {
  readonly claim: string
  readonly payload: object
  readonly expected: Omit<PushEvent, 'repository'> & {
    readonly repository: { readonly id: string; readonly path: string }
  }
}

/** What a payload says; any of it may be wrong. */
export interface PushFields {
  readonly ref?: unknown
  readonly before?: unknown
  readonly after?: unknown
  readonly id?: unknown
  readonly path?: unknown
  readonly defaultBranch?: unknown
}

/** What a pull request's payload says; any of it may be wrong. */
export interface PullRequestFields {
  /** In the forge's own words; opened, unless said. */
  readonly action?: unknown
  readonly number?: unknown
  readonly sha?: unknown
  /** The branches that it comes from and goes to. */
  readonly head?: unknown
  readonly base?: unknown
  /** The id of the repository that it comes from; null: that is gone. */
  readonly headRepository?: unknown
  readonly path?: unknown
  readonly updatedAt?: unknown
}

export interface PullRequestFixtures {
  /** The event's name. */
  readonly event: string
  readonly examples: readonly PushExample[]
  /** Payloads about what changes no head and opens or closes nothing, by what they are called. */
  readonly ignored: readonly { readonly action: string; readonly payload: object }[]
  /** A good payload of one that was opened, with these fields in place of its own. */
  payload(fields: PullRequestFields): object
  /** The ref of the one with this number. */
  ref(number: number): string
}

export interface WebhookFixtures {
  /** Three different secrets: the newest, the oldest, and one that is not configured. */
  readonly secrets: readonly [string, string, string]
  deliver(options: DeliveryOptions): SignedDelivery
  /** The header that proves who sent it, in lower case. */
  readonly proofHeader: string
  /** Whether the proof is of the body, or a mere password. */
  readonly signsBody: boolean
  readonly eventHeader: string
  readonly idHeader: string
  readonly needsId: boolean
  readonly examples: readonly PushExample[]
  /** A good push payload with these fields in place of its own. */
  payload(fields: PushFields): object
  readonly pullRequests: PullRequestFixtures
  /** An event that is neither a push nor of a pull request. */
  readonly otherEvent: string
  /** The host that payloads name, and that must not be believed. */
  readonly payloadHost: string
}

/** A status as the forge shows it: the last of its context. */
export interface ShownStatus {
  readonly context: string
  /** In the forge's own words. */
  readonly state: string
  readonly description: string
  readonly targetUrl: string
}

/** A forge to post to: a stand-in, or the real one. */
export interface ForgePartner {
  readonly apiUrl: string
  readonly login: ForgeLogin
  /** Whose login it is. */
  readonly owner: string
  readonly repository: { readonly id: string; readonly path: string }
  /** A commit that the repository has, and that carries no status yet. */
  readonly sha: string
  readonly ref: string
  statuses(path: string, sha: string): Promise<readonly ShownStatus[]>
  close(): Promise<void>
}

export interface StatusFixtures {
  /** kanihook's states in the forge's words. */
  readonly states: Readonly<Record<CommitStatus['state'], string>>
  startPartner(): Promise<ForgePartner>
}

export interface ForgeFixtures {
  readonly webhooks: WebhookFixtures
  readonly statuses: StatusFixtures
}

/** The last status of each context. */
export const lastOfEach = (statuses: readonly ShownStatus[]): readonly ShownStatus[] => [
  ...new Map(statuses.map((status) => [status.context, status])).values(),
]

/** The fields that are said. */
export const given = (fields: Readonly<Record<string, unknown>>): object =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
