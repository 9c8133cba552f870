import { setTimeout as delay } from 'node:timers/promises'
import { patiently, type ApiClient, type NoAnswer } from './api/client.ts'
import type { ApiBuild } from './api/answers.ts'
import type { Terminal } from './command.ts'
import { logLines } from './log-lines.ts'
import { about, hasEnded, remarkLines, result, wentWell } from './words.ts'

export interface FollowOptions {
  readonly api: Pick<ApiClient, 'build' | 'log'>
  readonly terminal: Pick<Terminal, 'print' | 'tell'>
  readonly timestamps: boolean
  /** How often is asked, in milliseconds. */
  readonly everyMs?: number
  /** How long nothing must have come since the end: a log is stored some moments later, in milliseconds. */
  readonly quietMs?: number
  /** How long kanihook may be away, in milliseconds. */
  readonly patienceMs?: number
}

/**
 * Prints a build's log as it comes, and tells what is waited for meanwhile. Resolves when the build has
 * ended, with 0 where it went well, else 1.
 */
export async function followBuild(id: string, options: FollowOptions): Promise<0 | 1> {
  const { api, terminal, timestamps } = options
  const { everyMs = 1_000, quietMs = 1_500, patienceMs = 60_000 } = options
  const waiting = ({ message }: NoAnswer): void => terminal.tell(`${message}; trying again…`)
  let from = 0
  let told = ''
  let quietSince = Date.now()
  for (;;) {
    const [build, log] = await patiently(
      async () => {
        const build = await api.build(id)
        return [build, await api.log(id, from)] as const
      },
      { patienceMs, waiting },
    )
    for (const line of logLines(log, { timestamps })) terminal.print(line)
    from = log.next
    const ended = hasEnded(build)
    if (!ended || log.lines.length > 0) quietSince = Date.now()
    // One that never started has no log to wait for.
    if (ended && (build.tries === 0 || Date.now() - quietSince >= quietMs)) {
      return sayEnd(build, terminal)
    }
    const wait = waitedFor(build)
    if (wait !== undefined && wait !== told) terminal.tell(`${about(build)}: ${wait}`)
    told = wait ?? told
    await delay(ended ? Math.min(everyMs, quietMs / 3) : everyMs)
  }
}

/** Why there is no log yet; once it comes it speaks for itself. */
const waitedFor = (build: ApiBuild): string | undefined =>
  build.state === 'waiting' || build.state === 'starting' ? result(build) : undefined

function sayEnd(build: ApiBuild, { tell }: Pick<Terminal, 'tell'>): 0 | 1 {
  const what = result(build)
  tell(`${about(build)}: ${build.state}${what === '' ? '' : `: ${what}`}`)
  for (const remark of remarkLines(build)) tell(remark)
  return wentWell(build) ? 0 : 1
}
