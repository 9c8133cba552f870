import type { Fault as ForgeFault } from '../stand-ins/forge-server.ts'
import type { Fault, FaultName } from './schedule.ts'
import { createTurns } from './turns.ts'
import type { World } from './world.ts'

/** A fault as it happened. */
export interface Inflicted {
  readonly name: FaultName
  /** As `World.now`. */
  readonly from: number
  /** When it was mended, and a killed process was ready again. */
  readonly to: number
}

const forgeFaults: Partial<Record<FaultName, ForgeFault>> = {
  'forge answers 500': { status: 500, body: { message: 'Internal Server Error' } },
  // Without the header a minute would be waited for, as GitHub asks.
  'forge answers 429': { status: 429, headers: { 'retry-after': '1' }, body: { message: 'slow' } },
  'forge hangs': 'hang',
  'forge goes unheard': 'unheard',
}

/** Makes a fault happen to a process or a server, and mends it when the wait is over. */
export type Inflict = (fault: Fault, wait: () => Promise<void>) => Promise<Inflicted>

/** On a slow machine a fault may outlast its time: the next one of the same victim waits. */
export function createInflict(world: World): Inflict {
  const { redis, forge, receivers, workers, now } = world
  const toRedis = createTurns()
  const toForge = createTurns()

  return async ({ name, target }, wait) => {
    let from = now()
    const begun = (): void => void (from = now())
    const forgeFault = forgeFaults[name]
    if (name === 'receiver killed') await receivers[target]?.restart(wait)
    else if (name === 'worker killed') await workers[target]?.restart(wait)
    else if (name === 'worker stopped') await workers[target]?.freeze(wait)
    else if (name === 'Redis restarted') {
      await toRedis(() => {
        begun()
        return redis.restart(wait)
      })
    } else if (name === 'Redis stopped') {
      await toRedis(async () => {
        begun()
        redis.process.kill('SIGSTOP')
        await wait()
        redis.process.kill('SIGCONT')
      })
    } else if (forgeFault !== undefined) {
      await toForge(async () => {
        begun()
        forge.failAll(forgeFault)
        await wait()
        forge.failAll(undefined)
      })
    }
    return { name, from, to: now() }
  }
}
