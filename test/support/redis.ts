import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach } from 'node:test'
import { Redis } from 'ioredis'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'

export interface TestRedis {
  readonly url: string
  /** The one that runs now. */
  readonly process: ChildProcess
  /** Kills it at once, and starts it again on the same port and folder when the wait is over. */
  restart(wait: () => Promise<void>): Promise<void>
  /** Ends the server and removes what it stored. */
  stop(): Promise<void>
}

/**
 * A real redis-server of its own: a free port, a folder that is removed, nothing shared. `more`: further
 * arguments; the last of a name counts. `sentinel`: one that watches over no Redis yet.
 */
export async function startRedis(
  more: readonly string[] = [],
  { sentinel = false } = {},
): Promise<TestRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'kanihook-redis-'))
  // A Sentinel keeps what it learns in its file, which must be there.
  const file = join(folder, 'sentinel.conf')
  if (sentinel) await writeFile(file, '')
  const port = await freePort()
  const settings = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '']
  const begin = (): ChildProcess => {
    const server = spawn(
      'redis-server',
      [
        ...(sentinel ? [file, '--sentinel'] : []),
        ...settings,
        '--appendonly',
        'no',
        '--maxmemory-policy',
        'noeviction',
        '--daemonize',
        'no',
        ...more,
      ],
      { stdio: 'ignore' },
    )
    server.once('error', (error) => {
      throw new Error(
        'redis-server cannot be started: install it (Debian: apt-get install redis-server)',
        {
          cause: error,
        },
      )
    })
    return server
  }
  let server = begin()
  const url = `redis://127.0.0.1:${port}`
  const end = async (): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return
    server.kill('SIGKILL')
    await once(server, 'exit')
  }
  const stop = async (): Promise<void> => {
    await end()
    await rm(folder, { recursive: true, force: true })
  }
  const answers = async (): Promise<void> => {
    const client = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: null })
    client.on('error', () => undefined)
    try {
      const ping = async (): Promise<boolean> => {
        // One that wants a password answers too.
        const answer = await client.ping().catch((error: Error) => error.message)
        return /^(PONG|NOAUTH)/.test(answer)
      }
      await eventually(ping, { what: 'redis-server answers' })
    } finally {
      client.disconnect()
    }
  }
  try {
    await answers()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    url,
    get process() {
      return server
    },
    async restart(wait) {
      await end()
      await wait()
      server = begin()
      await answers()
    },
    stop,
  }
}

/** A Redis for the tests of a file: started before them, emptied before each, stopped after them. */
export function useRedis(): { readonly client: Redis; readonly server: TestRedis } {
  let server: TestRedis
  let client: Redis
  before(async () => {
    server = await startRedis()
    client = new Redis(server.url)
  })
  beforeEach(async () => void (await client.flushall()))
  after(async () => {
    client?.disconnect()
    await server?.stop()
  })
  return {
    get server() {
      return server
    },
    get client() {
      return client
    },
  }
}
