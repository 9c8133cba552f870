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
  /** Full name: `refs/heads/…` or `refs/tags/…`. */
  readonly ref: string
  /** Object ids of 40 or 64 hex digits; all zeros where the ref did not or does not exist. */
  readonly before: string
  readonly after: string
  readonly forced: boolean
  /** Branch name without `refs/heads/`. */
  readonly defaultBranch: string | undefined
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
}

const zero = /^0+$/

/** Whether an object id stands for "no object", as git and every forge write it. */
export const isZero = (objectId: string): boolean => zero.test(objectId)

/** `refs/heads/main` → branch `main`; `refs/tags/v1` → tag `v1`. */
export function parseRef(ref: string): { kind: 'branch' | 'tag'; name: string } {
  if (ref.startsWith('refs/heads/')) return { kind: 'branch', name: ref.slice(11) }
  if (ref.startsWith('refs/tags/')) return { kind: 'tag', name: ref.slice(10) }
  throw new TypeError(`not a branch or a tag: ${ref}`)
}
