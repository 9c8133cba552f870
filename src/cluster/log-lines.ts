/** A line of `GET …/log?timestamps=true`. */
export interface TimedLine {
  /** RFC 3339 with nanoseconds. */
  readonly time: string
  readonly text: string
}

const stamped = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) ?(.*)$/s

/** Undefined where the kubelet speaks itself instead of the container. */
export function parseLine(raw: string): TimedLine | undefined {
  const [, time, text] = stamped.exec(raw.replace(/\r$/, '')) ?? []
  return time === undefined || text === undefined ? undefined : { time, text }
}

/** The second of an RFC 3339 time, in milliseconds since the epoch. */
const secondOf = (time: string): number => Math.floor(Date.parse(time.replace(/\.\d+/, '')))

/**
 * Tells new lines from those that a resumed stream repeats. The kubelet cuts `sinceTime` to whole
 * seconds and lines may share a time, or be a little out of order where stdout and stderr mix; so the
 * stream is asked again from a second before the last line, and as many equal lines as were already
 * seen are left out.
 */
export interface Resumption {
  /** Whether the line has not been seen. */
  isNew(line: TimedLine): boolean
  /** To be called before each connection. The `sinceTime` to ask for; undefined: from the start. */
  begin(): string | undefined
}

const keyOf = ({ time, text }: TimedLine): string => `${time} ${text}`
const count = (counts: Map<string, number>, key: string, by: number): number => {
  const sum = (counts.get(key) ?? 0) + by
  if (sum === 0) counts.delete(key)
  else counts.set(key, sum)
  return sum
}

export function createResumption(): Resumption {
  /** Lines by their second; what is older than a second before the newest is not asked for again. */
  const seconds = new Map<number, Map<string, number>>()
  let newest = -Infinity
  /** What the present connection may still repeat. */
  let repeats = new Map<string, number>()

  return {
    begin() {
      if (newest === -Infinity) return undefined
      repeats = new Map([...seconds.values()].flatMap((counts) => [...counts]))
      return new Date(newest - 1000).toISOString()
    },
    isNew(line) {
      const key = keyOf(line)
      if (repeats.has(key)) {
        count(repeats, key, -1)
        return false
      }
      const second = secondOf(line.time)
      newest = Math.max(newest, second)
      const counts = seconds.get(second) ?? new Map<string, number>()
      seconds.set(second, counts)
      count(counts, key, 1)
      for (const old of seconds.keys()) if (old < newest - 1000) seconds.delete(old)
      return true
    },
  }
}
