import { isDeepStrictEqual } from 'node:util'
import type { JobObservation } from './ports.ts'

/** What was seen of a build while it ran, beyond its steps. */
export interface BuildFacts {
  /**
   * The image that each container of the newest try really ran, by the id that the node has for it, as in
   * `registry/repository@sha256:…`: a tag may have moved.
   */
  readonly ran?: Readonly<Record<string, string>>
  readonly context?: ContextFacts
}

/** The folder that Kaniko builds in. */
export interface ContextFacts {
  readonly bytes: number
  readonly files: number
  /** Whether a `.dockerignore` is there to leave some of them out. */
  readonly dockerignore: boolean
  /** How many of the files are pointers of Git LFS, without their content; none where it is not said. */
  readonly pointers?: number
}

/** What an observation adds to what is known of a build; undefined: nothing. */
export function newFacts(
  known: BuildFacts | undefined,
  { ran, ends }: Pick<JobObservation, 'ran' | 'ends'>,
): BuildFacts | undefined {
  const context = ends.clone && readContext(ends.clone.message)
  const facts = {
    ...known,
    ...(ran ? { ran: { ...known?.ran, ...ran } } : {}),
    ...(context ? { context } : {}),
  }
  return isDeepStrictEqual(facts, known ?? {}) ? undefined : facts
}

/** Reads what the container that fetches the source says of the context in its termination message. */
function readContext(message: string): ContextFacts | undefined {
  const [, bytes, files, dockerignore, pointers = 0] =
    /^context bytes=(\d{1,15}) files=(\d{1,12}) dockerignore=(yes|no)(?: pointers=(\d{1,12}))?$/m.exec(
      message,
    ) ?? []
  if (bytes === undefined) return undefined
  return {
    bytes: Number(bytes),
    files: Number(files),
    dockerignore: dockerignore === 'yes',
    ...(Number(pointers) > 0 && { pointers: Number(pointers) }),
  }
}
