import type { Pushed } from './build.ts'

const line = /^(?<destination>\S+)@(?<digest>sha256:[0-9a-f]{64})$/

/**
 * Reads Kaniko's `--image-name-tag-with-digest-file` (lines `repository:tag@sha256:…`) off the
 * termination message. The file is written before the push and a RUN step can write it too, so it
 * counts only after exit code 0 and for destinations that were asked for. Empty: nothing to believe.
 */
export function readPushed(message: string, wanted: readonly string[]): Pushed[] {
  const pushed = new Map<string, Pushed>()
  for (const text of message.split('\n')) {
    const { destination, digest } = line.exec(text.trim())?.groups ?? {}
    if (destination && digest && wanted.includes(destination)) {
      pushed.set(destination, { destination, digest })
    }
  }
  return [...pushed.values()]
}
