import { constants } from 'node:os'
import { createCleanup } from './cleanup.ts'
import { help, parseOptions, type Options } from './options.ts'
import { interruptCommands } from './own-commands.ts'
import { createPrinter } from './printer.ts'
import { Unavailable } from './programs.ts'
import { runDemo } from './run-demo.ts'

/** sysexits.h: wrong use of the command, something that it needs is not there. */
const exUsage = 64
const exUnavailable = 69

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

async function main(options: Options): Promise<number> {
  const printer = createPrinter()
  const cleanup = createCleanup()
  const stopping = new AbortController()
  let exitCode = 1
  const stop = (reason: string, code?: number): void => {
    if (stopping.signal.aborted) return
    if (code !== undefined && exitCode !== 0) exitCode = code
    printer.text(`\n${reason}: stopping, and removing everything`)
    stopping.abort()
    interruptCommands()
  }
  for (const signal of signals) {
    process.on(signal, () => stop(signal, 128 + constants.signals[signal]))
  }
  // A mistake of the demo must not leave its processes behind.
  process.on('uncaughtException', (error) => {
    exitCode = 1
    printer.text(`\n${error.stack}`, 'red')
    stop('The demo failed')
  })
  // Whoever read the output is gone (`| head`).
  process.stdout.on('error', () => stop('no output'))
  forgetSettings()

  try {
    const onVerified = (): void => void (exitCode = 0)
    await runDemo({ options, printer, cleanup, signal: stopping.signal }, onVerified)
  } catch (error) {
    if (!stopping.signal.aborted) {
      exitCode = error instanceof Unavailable ? exUnavailable : 1
      printer.text(`\n${error instanceof Error ? error.message : String(error)}`, 'red')
    }
  }
  for (const failure of await cleanup.run()) {
    printer.text(`not cleaned up: ${String(failure)}`, 'red')
    exitCode ||= 1
  }
  return exitCode
}

/** What a machine's environment says to programs that are not to hear it. */
function forgetSettings(): void {
  // What is on this machine is no matter for a proxy.
  const local = '127.0.0.1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16'
  for (const name of ['no_proxy', 'NO_PROXY']) {
    process.env[name] = [process.env[name], local].filter(Boolean).join(',')
  }
  // docker-registry takes every one of these for its own configuration.
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('REGISTRY_')) delete process.env[name]
  }
}

function parse(): Options | undefined {
  try {
    return parseOptions(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${help}`)
    return undefined
  }
}

const options = parse()
if (options === undefined) process.exitCode = exUsage
else if (options.help) process.stdout.write(help)
else process.exit(await main(options))
