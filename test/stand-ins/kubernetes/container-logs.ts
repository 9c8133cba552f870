/** The logs of every container, as the kubelet keeps them. */
export interface ContainerLogs {
  /** `time` is RFC 3339 with nine digits of fraction; now, unless said. */
  append(pod: string, container: string, text: string, time?: string): void
  end(pod: string, container: string): void
  /** Calls back with each line, those of the past first; `done` when the container has ended. */
  follow(pod: string, container: string, tell: (line: Line) => void, done: () => void): () => void
  lines(pod: string, container: string): readonly Line[]
  drop(pod: string): void
}

export interface Line {
  readonly time: string
  readonly text: string
}

interface Log {
  readonly lines: Line[]
  ended: boolean
  readonly followers: Set<{ tell: (line: Line) => void; done: () => void }>
}

export function createContainerLogs(): ContainerLogs {
  const logs = new Map<string, Log>()
  const logOf = (pod: string, container: string): Log => {
    const key = `${pod}/${container}`
    const log = logs.get(key) ?? { lines: [], ended: false, followers: new Set() }
    logs.set(key, log)
    return log
  }
  const end = (log: Log): void => {
    log.ended = true
    for (const { done } of log.followers) done()
    log.followers.clear()
  }

  return {
    append(pod, container, text, time = now()) {
      const log = logOf(pod, container)
      const line = { time, text }
      log.lines.push(line)
      for (const { tell } of log.followers) tell(line)
    },
    end: (pod, container) => end(logOf(pod, container)),
    follow(pod, container, tell, done) {
      const log = logOf(pod, container)
      for (const line of log.lines) tell(line)
      if (log.ended) done()
      const follower = { tell, done }
      if (!log.ended) log.followers.add(follower)
      return () => log.followers.delete(follower)
    },
    lines: (pod, container) => logOf(pod, container).lines,
    drop(pod) {
      for (const [key, log] of logs) {
        if (!key.startsWith(`${pod}/`)) continue
        end(log)
        logs.delete(key)
      }
    },
  }
}

const startedAt = process.hrtime.bigint()
const epoch = BigInt(Date.now()) * 1_000_000n

/** RFC 3339 with nanoseconds, always rising. */
function now(): string {
  const nanoseconds = epoch + process.hrtime.bigint() - startedAt
  const seconds = new Date(Number(nanoseconds / 1_000_000n)).toISOString().slice(0, 19)
  return `${seconds}.${String(nanoseconds % 1_000_000_000n).padStart(9, '0')}Z`
}
