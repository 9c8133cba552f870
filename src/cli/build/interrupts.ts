/** 128 and the signal's number, as shells have it. */
const codes = { SIGINT: 130, SIGTERM: 143 } as const

/** Aborts at the first Ctrl-C (or SIGTERM); at the second one the process ends. */
export function hearInterrupts(): {
  readonly signal: AbortSignal
  /** What the process ends with, once it was asked to. */
  exitCode(): number
  close(): void
} {
  const controller = new AbortController()
  let code: number = codes.SIGINT
  const hear = (name: keyof typeof codes) => (): void => {
    if (controller.signal.aborted) process.exit(codes[name])
    code = codes[name]
    controller.abort()
  }
  const [onInterrupt, onEnd] = [hear('SIGINT'), hear('SIGTERM')]
  process.on('SIGINT', onInterrupt).on('SIGTERM', onEnd)
  return {
    signal: controller.signal,
    exitCode: () => code,
    close: () => void process.off('SIGINT', onInterrupt).off('SIGTERM', onEnd),
  }
}
