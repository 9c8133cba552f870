import { constants } from 'node:os'

/** SIGTERM and SIGINT, from now on. */
export interface StopSignals {
  /**
   * Resolves with the first signal. Until this is called there is nothing to hand over, and a signal ends the
   * process at once with exit code 0.
   */
  asked(): Promise<NodeJS.Signals>
}

/**
 * To be called before anything else is loaded: the kernel gives a container's first process no signal that it
 * does not handle, and any other one dies of it. A second signal ends the process at once, with the exit code
 * of a process that died of it (130, 143).
 */
export function listenForStop(exit: (code: number) => void = process.exit): StopSignals {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>()
  let hasWork = false
  let stopping = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return exit(128 + constants.signals[signal])
      stopping = true
      if (!hasWork) return exit(0)
      resolve(signal)
    })
  }
  return {
    asked() {
      hasWork = true
      return promise
    },
  }
}
