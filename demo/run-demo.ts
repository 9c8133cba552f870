import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cleanup } from './cleanup.ts'
import type { Options } from './options.ts'
import { startParts } from './parts.ts'
import { prepare } from './prepare.ts'
import type { Printer } from './printer.ts'
import { tellOwnPush, tellParts, tellSimulated } from './words.ts'

export interface DemoOptions {
  readonly options: Options
  readonly printer: Printer
  readonly cleanup: Cleanup
  /** Aborted when the demo is to stop. */
  readonly signal: AbortSignal
}

/** How long the demo's own push may take to become an image, in milliseconds. */
const patienceMs = 5 * 60_000

/**
 * Runs the whole demo and calls `onVerified` when its own push became an image that was pulled back
 * and found right (in a simulation: when it got to its end). Returns when there is no more to do or
 * the signal aborts; throws where something fails.
 */
export async function runDemo(demo: DemoOptions, onVerified: () => void): Promise<void> {
  const { options, printer, cleanup, signal } = demo
  printer.text('kanihook: one git push becomes an image in a registry and a status on the commit.')
  const folder = await mkdtemp(join(tmpdir(), 'kanihook-demo-'))
  cleanup.add(() => rm(folder, { recursive: true, force: true }))
  const around = await prepare({ ...demo, folder })
  signal.throwIfAborted()
  const { kanihook, sample, firstEnd, failed } = await startParts({ ...demo, around, folder })
  const stopped = whenAborted(signal)
  tellParts(printer, around, kanihook)

  printer.heading('A push, and what comes of it')
  printer.startClock()
  printer.step({ label: 'push', text: `git push of a commit to ${around.forge.repository}` })
  const ends = Promise.all([firstEnd, sample.push()])
  const outcome = await Promise.race([ends, failed, stopped, timeout()])
  if (outcome === 'stopped') return
  const [verified] = outcome
  if (!verified) throw new Error('The push did not become the image that it should have.')
  onVerified()
  if (options.once && !around.registry) {
    printer.text()
    tellSimulated(printer)
  }
  if (options.once) return

  tellOwnPush(printer, around)
  await Promise.race([failed, stopped])
}

const whenAborted = (signal: AbortSignal): Promise<'stopped'> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve('stopped')
    signal.addEventListener('abort', () => resolve('stopped'), { once: true })
  })

const timeout = (): Promise<never> =>
  new Promise((_, reject) => {
    const late = `The push did not become an image within ${patienceMs / 60_000} minutes.`
    setTimeout(() => reject(new Error(late)), patienceMs).unref()
  })
