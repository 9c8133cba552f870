import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { lastLines } from '../../test/cluster/support/command.ts'
import { eventually } from '../../test/support/eventually.ts'
import { freePort } from '../../test/support/free-port.ts'

const entry = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export interface Receiver {
  readonly pid: number
  readonly port: number
  stop(): Promise<void>
}

export interface ReceiverOptions {
  readonly redisUrl: string
  readonly secret: string
  /** Folder for a CPU profile of the process; undefined: none. */
  readonly profile: string | undefined
}

const configuration = `
repositories:
  - match: github.com/Codertocat/*
    branches: ["**"]
    images:
      - name: app
        destination: registry.example.com/{owner}/{repo}
`

/**
 * `kanihook serve` as the receiver alone, with its usual settings. Its log goes to a file: to read it
 * line by line, as tests do, would take the CPU that it is measured by.
 */
export async function startReceiver(options: ReceiverOptions): Promise<Receiver> {
  const { redisUrl, secret, profile } = options
  const folder = await mkdtemp(join(tmpdir(), 'kanihook-bench-'))
  const config = join(folder, 'kanihook.yaml')
  const logFile = join(folder, 'log')
  await writeFile(config, configuration)
  const [port, adminPort] = [await freePort(), await freePort()]
  const log = await open(logFile, 'w')
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
  const child = spawn(process.execPath, [...profiling, entry, 'serve'], {
    env: {
      PATH: process.env['PATH'],
      KANIHOOK_ROLES: 'receiver',
      HOST: '127.0.0.1',
      PORT: `${port}`,
      ADMIN_HOST: '127.0.0.1',
      ADMIN_PORT: `${adminPort}`,
      PUBLIC_URL: `http://127.0.0.1:${port}`,
      REDIS_URL: redisUrl,
      KANIHOOK_CONFIG: config,
      GITHUB_WEBHOOK_SECRETS: secret,
    },
    stdio: ['ignore', log.fd, log.fd],
  })
  await log.close()
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null
  const stop = async (): Promise<void> => {
    if (!ended()) {
      child.kill()
      await once(child, 'exit')
    }
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await eventually(
      async () => ended() || (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).ok,
      { what: 'kanihook is ready' },
    )
    if (ended()) throw new Error(lastLines(await readFile(logFile, 'utf8'), 10))
  } catch (error) {
    await stop()
    throw error
  }
  return { pid: child.pid ?? NaN, port, stop }
}
