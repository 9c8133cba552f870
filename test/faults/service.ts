import { startKanihook, type KanihookProcess } from '../support/kanihook-process.ts'
import { createTurns } from './turns.ts'

/** A kanihook that is started again whenever it is killed, with the same settings. */
export interface Service {
  /** Kills it at once, and starts it again when the wait is over; resolves when it is ready. */
  restart(wait: () => Promise<void>): Promise<void>
  /** Asks it to end, and starts it again; resolves when it is ready. */
  roll(): Promise<void>
  /** Stops it without its knowledge until the wait is over. */
  freeze(wait: () => Promise<void>): Promise<void>
  stop(): Promise<void>
}

export interface ServiceOptions {
  readonly name: string
  readonly settings: Readonly<Record<string, string>>
  /** Told of an end that nobody asked for. */
  readonly crashed: (what: string) => void
  /** Told of all that a process printed, when it has ended. */
  readonly printed: (lines: readonly string[]) => void
}

/** Starts it, and resolves when it is ready. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { name, settings, crashed, printed } = options
  /** Processes that were told to end. */
  const ended = new WeakSet<KanihookProcess>()
  let current = await start()

  async function start(): Promise<KanihookProcess> {
    const started = await startKanihook(settings)
    started.child.once('close', (code, signal) => {
      printed(started.output.map((line) => `${name}: ${line}`))
      if (ended.has(started)) return
      const last = started.output.slice(-5).join('\n  ')
      crashed(`${name} ended by itself with ${signal ?? code}:\n  ${last}`)
    })
    return started
  }

  async function end(): Promise<void> {
    ended.add(current)
    // A frozen process dies of it too.
    await current.kill('SIGKILL')
  }

  /** What is asked of it while it starts waits until it has. */
  const afterwards = createTurns()

  return {
    restart: (wait) =>
      afterwards(async () => {
        await end()
        await wait()
        current = await start()
      }),
    roll: () =>
      afterwards(async () => {
        ended.add(current)
        await current.kill('SIGTERM')
        current = await start()
      }),
    freeze: (wait) =>
      afterwards(async () => {
        current.child.kill('SIGSTOP')
        await wait()
        current.child.kill('SIGCONT')
      }),
    stop: () => afterwards(end),
  }
}
