import {
  isAccepted,
  isTerminal,
  type History,
  type Job,
  type Push,
  type Status,
} from './history.ts'

/**
 * - `lost`: accepted, and never heard of again
 * - `stuck`: it began, and has no end
 * - `doubled`: built or ended more than once
 * - `wrong`: what is shown, or what the tag points at, is not what happened
 */
export type Kind = 'lost' | 'doubled' | 'stuck' | 'wrong'

export const kinds: readonly Kind[] = ['lost', 'doubled', 'stuck', 'wrong']

export interface Finding {
  readonly kind: Kind
  readonly repository: string
  readonly sha: string
  /** One sentence. */
  readonly what: string
}

/**
 * Holds a history that is over against what kanihook promises: each image of an accepted push ends in
 * exactly one terminal status, which is true, and is built once. Pure.
 *
 * A push that git had already replaced when its webhook was looked at has no status at all, for a webhook is a
 * hint and git the truth; so it is lost only where no later push of its branch was heard of either.
 */
export function check(history: History): readonly Finding[] {
  return history.pushes.flatMap((push) =>
    (history.images.get(push.repository) ?? []).flatMap((image) =>
      checkImage(push, image, history),
    ),
  )
}

function checkImage(push: Push, image: string, history: History): readonly Finding[] {
  const { repository, ref, sha } = push
  const later = laterPushes(push, history)
  const statuses = statusesOf(push, image, history)
  const lane = history.jobs
    .filter((job) => job.repository === repository && job.ref === ref && job.image === image)
    .toSorted((a, b) => a.createdAt - b.createdAt)
  const jobs = lane.filter((job) => job.sha === sha)
  const name = `${repository} ${ref} ${sha.slice(0, 7)} ${image}`
  return [
    ...presence(
      push,
      statuses,
      later.some((each) => statusesOf(each, image, history).length > 0),
    ),
    ...order(statuses),
    ...truth(push, statuses.findLast(isTerminal), jobs, later),
    ...once(jobs, statuses.find(isTerminal)),
    ...tagOrder(push, jobs, lane, later),
  ].map(({ kind, what }) => ({ kind, repository, sha, what: `${name}: ${what}` }))
}

type Fault = Pick<Finding, 'kind' | 'what'>

function presence(push: Push, statuses: readonly Status[], overtaken: boolean): Fault[] {
  const last = statuses.at(-1)
  if (last) {
    if (isTerminal(last)) return []
    return [{ kind: 'stuck', what: `the last status is still pending: ${last.description}` }]
  }
  if (!isAccepted(push) || overtaken) return []
  return [{ kind: 'lost', what: 'accepted, and has no status' }]
}

/** The same end may be posted twice, as after a crash between the post and the record of it. */
function order(statuses: readonly Status[]): Fault[] {
  const first = statuses.findIndex(isTerminal)
  if (first < 0) return []
  const after = statuses.slice(first)
  const ends = new Set(
    after.filter(isTerminal).map(({ state, description }) => `${state} (${description})`),
  )
  const pending = after.find((status) => !isTerminal(status))
  return [
    ...(pending
      ? [{ kind: 'wrong' as const, what: `pending after its end: ${pending.description}` }]
      : []),
    ...(ends.size > 1
      ? [{ kind: 'doubled' as const, what: `ended in more than one way: ${[...ends].join(', ')}` }]
      : []),
  ]
}

/** Whether an end is what happened. */
function truth(
  { ends }: Push,
  end: Status | undefined,
  jobs: readonly Job[],
  later: readonly Push[],
): Fault[] {
  if (!end) return []
  const said = `${end.state} (${end.description})`
  const pushes = jobs.filter((job) => job.end === 'pushed')
  const pushed = pushes.length > 0
  if (end.state === 'success') {
    return pushed ? [] : [{ kind: 'wrong', what: `${said}, and no Job has pushed` }]
  }
  const by = /^Superseded by ([0-9a-f]{7,})/.exec(end.description)?.[1]
  if (by !== undefined) {
    if (!later.some(({ sha }) => sha.startsWith(by))) {
      return [{ kind: 'wrong', what: `${said}, which is no later push of the branch` }]
    }
    // What is taken away just then cannot say that it has pushed.
    const known = pushes.some(({ taken }) => !taken)
    return known ? [{ kind: 'wrong', what: `${said}, and its image was pushed` }] : []
  }
  const taken = jobs.filter((job) => job.taken).length
  const exhausted = /\(after (\d+) tries\)$/.exec(end.description)?.[1]
  if (end.state === 'error' && exhausted !== undefined && taken >= Number(exhausted)) return []
  const failed = jobs.some((job) => job.end === 'failed')
  if (end.state === 'failure' && ends === 'failed' && failed) return []
  return [{ kind: 'wrong', what: `${said}, though nothing was wrong with it` }]
}

/**
 * Only what a fault took away may be followed by another try: neither a pod that came to an end of its own,
 * nor one whose worker has died.
 */
function once(jobs: readonly Job[], end: Status | undefined): Fault[] {
  return jobs.flatMap((job, index): Fault[] => {
    const late = end !== undefined && end.at < job.createdAt
    const earlier = jobs.slice(0, index).filter(({ attempt }) => attempt === job.attempt)
    const beside = earlier.find((other) => isAlive(other, job.createdAt))
    const done = earlier.find((other) => !other.taken && !isAlive(other, job.createdAt))
    return [
      ...(late ? [{ kind: 'doubled' as const, what: `${job.name} was made after its end` }] : []),
      ...(beside
        ? [{ kind: 'doubled' as const, what: `${job.name} ran beside ${beside.name}` }]
        : []),
      ...(done
        ? [
            {
              kind: 'doubled' as const,
              what: `${job.name} came after ${done.name}, which was ${done.end} and nothing had taken`,
            },
          ]
        : []),
    ]
  })
}

/** The branch's tag must not move back: no Job of an older commit runs beside, or pushes after, one of this commit. */
function tagOrder(
  push: Push,
  jobs: readonly Job[],
  lane: readonly Job[],
  later: readonly Push[],
): Fault[] {
  const newer = new Set(later.map(({ sha }) => sha))
  return jobs.flatMap((job) =>
    lane
      .filter((other) => newer.has(other.sha))
      .flatMap((other): Fault[] => {
        if (isAlive(job, other.createdAt) || isAlive(other, job.createdAt)) {
          return [{ kind: 'wrong', what: `${job.name} ran beside ${other.name} of a newer commit` }]
        }
        if (job.end === 'pushed' && other.end === 'pushed' && other.createdAt < job.createdAt) {
          return [{ kind: 'wrong', what: `${job.name} moved the tag of ${push.ref} back` }]
        }
        return []
      }),
  )
}

const isAlive = ({ createdAt, endedAt }: Job, at: number): boolean =>
  createdAt <= at && (endedAt === undefined || at < endedAt)

/** In the order in which git has them. */
function laterPushes(push: Push, { pushes }: History): readonly Push[] {
  return pushes
    .slice(pushes.indexOf(push) + 1)
    .filter(({ repository, ref }) => repository === push.repository && ref === push.ref)
}

const statusesOf = (
  { repository, sha }: Push,
  image: string,
  { statuses }: History,
): readonly Status[] =>
  statuses.filter(
    (status) =>
      status.repository === repository &&
      status.sha === sha &&
      status.context === `kanihook/${image}`,
  )

/** Whether nothing is open any more; what is found then stays. */
export function isOver(history: History): boolean {
  if (history.jobs.some(({ endedAt }) => endedAt === undefined)) return false
  return check(history).every(({ kind }) => kind !== 'lost' && kind !== 'stuck')
}
