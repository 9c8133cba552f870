/**
 * What was seen of kanihook from outside: by git, by whoever posted the webhooks, by the forge, and by the
 * cluster. Nothing of it comes from kanihook's own records. Times are milliseconds since the run began, of one clock.
 */
export interface History {
  /** The images of each repository, by its path. */
  readonly images: ReadonlyMap<string, readonly string[]>
  /** What git has, oldest first. Every commit is on one branch, and is pushed once. */
  readonly pushes: readonly Push[]
  /** What the forge took, in its order. */
  readonly statuses: readonly Status[]
  /** Every Job that ever had a pod. */
  readonly jobs: readonly Job[]
}

export interface Push {
  readonly repository: string
  readonly ref: string
  readonly sha: string
  readonly at: number
  /** How a build of this commit ends where it may end. */
  readonly ends: Exclude<PodEnd, 'removed'>
  /** Its webhook, each time that it was posted; a `status` of 0: there was no answer. */
  readonly deliveries: readonly { readonly at: number; readonly status: number }[]
}

export type State = 'pending' | 'success' | 'failure' | 'error' | 'warning'

export interface Status {
  readonly repository: string
  readonly sha: string
  readonly context: string
  readonly state: State
  readonly description: string
  readonly at: number
}

/** Kaniko pushed; the Dockerfile could not be built; told to end, or lost, before either. */
export type PodEnd = 'pushed' | 'failed' | 'removed'

/** The pod of a Job. */
export interface Job {
  readonly name: string
  readonly repository: string
  readonly ref: string
  readonly sha: string
  readonly image: string
  readonly attempt: number
  readonly createdAt: number
  /** Undefined: it still ran when the history was closed. */
  readonly endedAt: number | undefined
  /** Whether a fault took the pod or its Job away: evicted, deleted by hand, its node lost. */
  readonly taken: boolean
  readonly end: PodEnd | undefined
}

/** Whether a webhook of the push was answered with a promise. */
export const isAccepted = ({ deliveries }: Push): boolean =>
  deliveries.some(({ status }) => status >= 200 && status < 300)

export const isTerminal = ({ state }: Pick<Status, 'state'>): boolean => state !== 'pending'
