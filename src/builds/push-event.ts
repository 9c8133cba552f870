/** A repository as its forge knows it. `id` stays when the repository is renamed or moved. */
export interface Repository {
  /** The forge's route name: `github`, `gitlab`, `gitea`. */
  readonly forge: string
  /** The forge's own id of the repository, as a string of digits; empty where a person named it by its path. */
  readonly id: string
  /** `host[:port]` of the forge as configured, never as a payload says it. */
  readonly host: string
  /** Full path with every namespace: `acme/app`, `group/subgroup/app`. */
  readonly path: string
}

/**
 * A push of one ref, the same for every forge. It is a hint that the ref changed; the forge's git
 * says what it points at.
 */
export interface PushEvent {
  readonly repository: Repository
  /** Full name: `refs/heads/…`, `refs/tags/…`, or that of a pull request's head. */
  readonly ref: string
  /** Object ids of 40 or 64 hex digits; all zeros where the ref did not or does not exist. */
  readonly before: string
  readonly after: string
  readonly forced: boolean
  /** Branch name without `refs/heads/`. */
  readonly defaultBranch: string | undefined
  /** Only where the ref is a pull request's. */
  readonly pullRequest?: PullRequest
}

/** What the forge says of a pull request (GitLab: a merge request), as far as kanihook decides by it. */
export interface PullRequest {
  /** The branch that it is to be merged into. */
  readonly base: string
  /** The branch that it comes from, in the repository of its head. */
  readonly head: string
  /** Whether its head is in another repository. */
  readonly fork: boolean
  readonly open: boolean
  /** When it changed last, in milliseconds since the epoch: tells the later one of two events. */
  readonly updatedAt: number
}

/** A push as it is stored: the queue entry and the record in one. Never the payload. */
export interface Delivery {
  /** `<forge>-<hex>`: the id that `/api/deliveries/{id}` takes. */
  readonly id: string
  /** The forge's own id of the delivery, where it sends one. */
  readonly forgeId: string | undefined
  /** Milliseconds since the epoch. */
  readonly receivedAt: number
  readonly event: PushEvent
  /** `sweep`: no webhook told of it, a look at the repository's refs did. */
  readonly foundBy?: 'sweep'
}

const zero = /^0+$/

/** Whether an object id stands for "no object", as git and every forge write it. */
export const isZero = (objectId: string): boolean => zero.test(objectId)

const pullRequestRef = /^refs\/(?:pull|merge-requests)\/([1-9]\d{0,9})\/head$/

/** Whether a ref is the head of a pull request: `refs/pull/12/head`, at GitLab `refs/merge-requests/12/head`. */
export const isPullRequest = (ref: string): boolean => pullRequestRef.test(ref)

export type RefKind = 'branch' | 'tag' | 'pull request' | 'upload'

/**
 * `refs/heads/main` → branch `main`; `refs/tags/v1` → tag `v1`; `refs/pull/12/head` → pull request `12`.
 * `refs/uploads/<id>` is no ref of git: it stands in the record of a build whose source was uploaded.
 */
export function parseRef(ref: string): { kind: RefKind; name: string } {
  if (ref.startsWith('refs/heads/')) return { kind: 'branch', name: ref.slice(11) }
  if (ref.startsWith('refs/tags/')) return { kind: 'tag', name: ref.slice(10) }
  if (ref.startsWith('refs/uploads/')) return { kind: 'upload', name: ref.slice(13) }
  const number = pullRequestRef.exec(ref)?.[1]
  if (number !== undefined) return { kind: 'pull request', name: number }
  throw new TypeError(`not a branch, a tag or a pull request: ${ref}`)
}
