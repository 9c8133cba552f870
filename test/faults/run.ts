import { setTimeout as sleep } from 'node:timers/promises'
import { createProgress, type Progress } from '../cluster/support/progress.ts'
import { eventually } from '../support/eventually.ts'
import { check, isOver } from './check.ts'
import { isAccepted, isTerminal } from './history.ts'
import { createInflict, type Inflicted } from './inflict.ts'
import { help, parseOptions, type Options } from './options.ts'
import { faultTable, story } from './report.ts'
import { createSchedule, type FaultName, type Schedule } from './schedule.ts'
import { images, startWorld, type World } from './world.ts'

/** Runs kanihook under faults: results on standard output, progress on standard error. */

const branches = ['main', 'next', 'topic/a', 'topic/b']
const processes = 2

/** In milliseconds: until everything has ended after the last fault, and for how long nothing more may come. */
const deadlineMs = 90_000
const quietMs = 3_000

async function main(options: Options, signal: AbortSignal): Promise<number> {
  const { seed } = options
  const progress = createProgress((line) => process.stderr.write(line))
  console.log(`seed ${seed}: repeat with --seed ${seed}. Nodes and pods are simulated by kwok.\n`)
  const repositories = [...images.keys()]
  const schedule = createSchedule({ ...options, repositories, branches, processes })
  progress('starting Redis, git, the control plane, receivers and workers')
  await using world = await startWorld({ processes, log: options.log, progress })
  await warmUp(world, progress, signal)
  const told = new Map<string, readonly FaultName[]>()
  const inflicted = await play(schedule, { world, told, progress, signal })
  progress('all is mended; waiting until everything has ended')
  await quiet(world, signal)

  const history = world.history()
  const findings = check(history)
  const accepted = history.pushes.filter(isAccepted)
  const heard = new Set(history.statuses.filter(isTerminal).map(({ sha }) => sha))
  const overtaken = accepted.filter(({ sha }) => !heard.has(sha)).length
  progress('stopping')
  console.log(faultTable({ history, findings, inflicted, told }))
  console.log(
    `\n${history.pushes.length} pushes, ${accepted.length} accepted, ${overtaken} of them without a status as a later one overtook them; ` +
      `${history.jobs.length} Jobs, ${history.statuses.length} statuses`,
  )
  for (const { kind, what, sha } of findings) {
    console.log([`\n${kind}: ${what}`, ...story(sha, history)].join('\n'))
  }
  for (const crash of world.crashes) console.log(`crashed: ${crash}`)
  return findings.length + world.crashes.length > 0 ? 1 : 0
}

/** A branch that was never seen is not built by a late delivery, so each is seen once before. */
async function warmUp(world: World, progress: Progress, signal: AbortSignal): Promise<void> {
  progress('one push to each branch without any fault')
  for (const repository of images.keys()) {
    for (const branch of branches) {
      signal.throwIfAborted()
      await world.deliver(await world.push({ repository, branch, ends: 'pushed', buildMs: 50 }))
    }
  }
  await eventually(
    () => {
      signal.throwIfAborted()
      return isOver(world.history())
    },
    { within: deadlineMs, every: 100, what: 'the first pushes have ended' },
  )
  const [wrong] = check(world.history())
  if (wrong) throw new Error(`without any fault: ${wrong.what}`)
}

interface Play {
  readonly world: World
  /** Is told what was wrong with how a push was told. */
  readonly told: Map<string, readonly FaultName[]>
  readonly progress: Progress
  readonly signal: AbortSignal
}

/** Plays a schedule to its end. Aborted, it mends what is broken and throws. */
async function play(schedule: Schedule, { world, told, progress, signal }: Play) {
  const begun = world.now()
  const until = (at: number): Promise<void> =>
    sleep(Math.max(0, begun + at - world.now()), undefined, { signal })
  const mended = (forMs: number) => () => sleep(forMs, undefined, { signal }).catch(() => undefined)

  const inflict = createInflict(world, signal)
  const faults = schedule.faults.filter(({ name }) => !name.startsWith('deliver'))
  const inflictAll = Promise.all(
    faults.map(async (fault): Promise<Inflicted | undefined> => {
      await until(fault.at)
      progress(`${fault.name} (${fault.target}) for ${fault.forMs} ms`)
      const inflicted = await inflict(fault, mended(fault.forMs))
      progress(`${fault.name} (${fault.target}) is over`)
      return inflicted
    }),
  )
  const deliveries: Promise<void>[] = []
  const pushAll = (async () => {
    for (const planned of schedule.pushes) {
      await until(planned.at)
      const push = await world.push(planned)
      told.set(push.sha, planned.faults)
      for (const at of planned.deliveredAt) {
        // Aborted, it is not posted any more.
        const posted = until(at).then(() => world.deliver(push))
        deliveries.push(posted.catch(() => undefined))
      }
    }
    progress('all is pushed')
  })()
  const settled = await Promise.allSettled([inflictAll, pushAll])
  await Promise.all(deliveries)
  signal.throwIfAborted()
  for (const each of settled) if (each.status === 'rejected') throw each.reason
  return (await inflictAll).filter((each) => each !== undefined)
}

/** Waits until everything has ended and nothing more comes; when time is up, what is open stays open. */
async function quiet(world: World, signal: AbortSignal): Promise<void> {
  const end = world.now() + deadlineMs
  while (world.now() < end) {
    await sleep(250, undefined, { signal })
    const history = world.history()
    const last = history.statuses.at(-1)?.at ?? 0
    if (world.now() - last > quietMs && isOver(history)) return
  }
}

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)))
}

const sentence = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

function parsed(): Options | undefined {
  try {
    return parseOptions(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`test:faults: ${sentence(error)}\n\n${help}`)
    return undefined
  }
}

const options = parsed()
if (!options) process.exitCode = 64
else if (options.help) process.stdout.write(help)
else {
  process.exitCode = await main(options, stop.signal).catch((error: unknown) => {
    const cause = stop.signal.aborted ? stop.signal.reason : error
    process.stderr.write(`test:faults: ${sentence(cause)}\n`)
    return 1
  })
}
