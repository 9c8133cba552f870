import { between, createRandom, pick, type Random } from './random.ts'

/** Every fault that there is, in the order of the table. */
export const faultNames = [
  'receiver killed',
  'receiver killed at a 202',
  'worker killed',
  'workers killed at a 202',
  'workers killed at a pending status',
  'workers killed at a new Job',
  'workers killed at a running pod',
  'workers killed at an ended pod',
  'workers killed at an end told',
  'worker stopped',
  'workers rolled',
  'Redis stopped',
  'Redis restarted',
  'Redis slow',
  'Redis cut',
  'API server stopped',
  'API server restarted',
  'API server slow',
  'API server cut',
  'node lost',
  'pod evicted',
  'Job deleted',
  'quota of Jobs full',
  'quota of pods full',
  'forge answers 500',
  'forge answers 429',
  'forge hangs',
  'forge goes unheard',
  'delivery doubled',
  'deliveries reordered',
] as const

export type FaultName = (typeof faultNames)[number]

/** One fault; times in milliseconds since the schedule began. */
export interface Fault {
  readonly name: FaultName
  readonly at: number
  /** Until it is mended: a killed process is started again, a stopped one goes on. */
  readonly forMs: number
  /** Which of several processes; 0 where there is one. */
  readonly target: number
}

export interface PlannedPush {
  readonly at: number
  readonly repository: string
  readonly branch: string
  readonly ends: 'pushed' | 'failed'
  /** How long its pods build. */
  readonly buildMs: number
  /** When its webhook is posted, each time. */
  readonly deliveredAt: readonly number[]
  /** What is wrong with how it is told. */
  readonly faults: readonly FaultName[]
}

export interface Schedule {
  readonly pushes: readonly PlannedPush[]
  readonly faults: readonly Fault[]
}

export interface ScheduleOptions {
  readonly seed: number
  readonly deliveries: number
  readonly faults: number
  readonly seconds: number
  readonly repositories: readonly string[]
  readonly branches: readonly string[]
  /** How many processes there are of each role. */
  readonly processes: number
}

/**
 * How long each lasts, in milliseconds. A stopped worker outlasts the lock of its jobs and the lease of its
 * statuses (10 s); a stopped Redis the time-out of a receiver's command (1.5 s); a lost node the 40 s after which
 * the control plane takes its pods for lost.
 */
const durations: Readonly<Record<FaultName, readonly [number, number]>> = {
  'receiver killed': [100, 1_500],
  'receiver killed at a 202': [100, 1_500],
  'worker killed': [100, 3_000],
  'workers killed at a 202': [100, 1_500],
  'workers killed at a pending status': [100, 1_500],
  'workers killed at a new Job': [100, 1_500],
  'workers killed at a running pod': [100, 1_500],
  'workers killed at an ended pod': [100, 1_500],
  'workers killed at an end told': [100, 1_500],
  'worker stopped': [11_000, 14_000],
  'workers rolled': [0, 0],
  'Redis stopped': [500, 4_000],
  'Redis restarted': [50, 1_500],
  'Redis slow': [1_000, 4_000],
  'Redis cut': [50, 3_000],
  'API server stopped': [500, 6_000],
  'API server restarted': [0, 2_000],
  'API server slow': [1_000, 4_000],
  'API server cut': [50, 3_000],
  'node lost': [50_000, 65_000],
  'pod evicted': [0, 0],
  'Job deleted': [0, 0],
  'quota of Jobs full': [1_000, 4_000],
  'quota of pods full': [1_000, 4_000],
  'forge answers 500': [500, 3_000],
  'forge answers 429': [500, 3_000],
  'forge hangs': [500, 4_000],
  'forge goes unheard': [500, 2_000],
  'delivery doubled': [0, 0],
  'deliveries reordered': [0, 0],
}

/** What two faults cannot have at once; undefined: it is about a delivery alone. */
function victim(name: FaultName, target: number): string | undefined {
  if (name.startsWith('deliver')) return undefined
  const [who = ''] = name.split(' ')
  return `${who} ${target}`
}

/** Pushes and faults, the same ones for the same options. Pure. */
export function createSchedule(options: ScheduleOptions): Schedule {
  const random = createRandom(options.seed)
  const faults = planFaults(random, options)
  const pushes = planPushes(random, options)
  const reordered = new Set<Draft>()
  for (const { name, at } of faults) {
    if (name === 'delivery doubled') double(pushes, at, random)
    if (name === 'deliveries reordered') reorder(pushes, at, reordered)
  }
  return { pushes, faults }
}

/** Each kind comes before any comes twice; a victim that is busy lets its next fault wait. */
function planFaults(random: Random, options: ScheduleOptions): readonly Fault[] {
  const { seconds, processes } = options
  const free = new Map<string, number>()
  // One takes a minute.
  let nodes = Math.ceil(seconds / 120)
  let left: FaultName[] = []
  const faults = Array.from({ length: options.faults }, (): Fault => {
    if (left.length === 0) left = faultNames.filter((each) => each !== 'node lost' || nodes-- > 0)
    const name = pick(random, left)
    left = left.filter((each) => each !== name)
    const several = /^(receiver|worker|node) /.test(name)
    const target = several ? between(random, 0, processes - 1) : 0
    const forMs = between(random, ...durations[name])
    const who = victim(name, target)
    const last = name === 'node lost' ? Math.max(0, seconds * 1000 - forMs) : seconds * 1000
    const wished = between(random, 0, last)
    const at = Math.max(wished, who === undefined ? 0 : (free.get(who) ?? 0))
    // A second between two, so that each is seen for itself as well.
    if (who !== undefined) free.set(who, at + forMs + 1_000)
    return { name, at, forMs, target }
  })
  return faults.toSorted((a, b) => a.at - b.at)
}

type Draft = { -readonly [Key in keyof PlannedPush]: PlannedPush[Key] }

function planPushes(random: Random, options: ScheduleOptions): Draft[] {
  const { deliveries, seconds, repositories, branches } = options
  /** Where builds supersede each other. */
  const busy = { repository: pick(random, repositories), branch: pick(random, branches) }
  /** Nothing overtakes a push on a branch of its own: what is lost there cannot be hidden by a later one. */
  const placeOf = (kind: number, number: number): { repository: string; branch: string } => {
    if (kind < 1 / 3) return busy
    const repository = pick(random, repositories)
    return { repository, branch: kind < 2 / 3 ? `once/${number}` : pick(random, branches) }
  }
  return Array.from({ length: deliveries }, () => between(random, 0, seconds * 1000))
    .toSorted((a, b) => a - b)
    .map((at, number) => {
      const where = placeOf(random(), number)
      return {
        at,
        ...where,
        ends: random() < 0.1 ? 'failed' : 'pushed',
        // A few outlast the stop of a worker's.
        buildMs: random() < 0.05 ? between(random, 8_000, 12_000) : between(random, 50, 2_000),
        deliveredAt: [at + between(random, 0, 100)],
        faults: [],
      }
    })
}

/** The first push from then on is told twice: at once, or later. */
function double(pushes: readonly Draft[], from: number, random: Random): void {
  const push = pushes.find(({ at }) => at >= from) ?? pushes.at(-1)
  if (!push) return
  const [first = push.at] = push.deliveredAt
  push.deliveredAt = [...push.deliveredAt, first + between(random, 0, 3_000)]
  push.faults = [...push.faults, 'delivery doubled']
}

/** The first push from then on that another of its branch follows is told after that one. `taken`: pushes of such pairs. */
function reorder(pushes: readonly Draft[], from: number, taken: Set<Draft>): void {
  const follower = (push: Draft): Draft | undefined =>
    pushes
      .slice(pushes.indexOf(push) + 1)
      .find(({ repository, branch }) => repository === push.repository && branch === push.branch)
  const pairs = pushes.flatMap((push) => {
    const next = follower(push)
    return next && !taken.has(push) && !taken.has(next) ? [{ push, next }] : []
  })
  const pair = pairs.find(({ push }) => push.at >= from) ?? pairs.at(-1)
  if (!pair) return
  const { push, next } = pair
  taken.add(push).add(next)
  push.deliveredAt = [Math.max(...next.deliveredAt) + 50, ...push.deliveredAt.slice(1)]
  push.faults = [...push.faults, 'deliveries reordered']
}
