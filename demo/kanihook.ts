import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from '../test/support/eventually.ts'
import { freePort } from '../test/support/free-port.ts'
import { kanihookEnvironment, kanihookYaml } from './configuration.ts'
import { readEvent, type LogEvent } from './log-event.ts'
import { startService, type Service } from './service.ts'
import type { Surroundings } from './surroundings/surroundings.ts'

export interface KanihookOptions {
  readonly folder: string
  readonly around: Surroundings
  readonly redisUrl: string
  readonly pushSecret: string | undefined
  /** Told each line of its log. */
  readonly onEvent: (event: LogEvent) => void
}

/** The real process, as `npm start` runs it. */
export interface Kanihook {
  readonly webhookUrl: string
  readonly adminUrl: string
  /** Its kanihook.yaml. */
  readonly yaml: string
  readonly service: Service
  /** Resolves when it says that it is ready. */
  ready(): Promise<void>
}

const root = join(import.meta.dirname, '..')

export async function startKanihook(options: KanihookOptions): Promise<Kanihook> {
  const { folder, around, redisUrl, pushSecret, onEvent } = options
  const configFile = join(folder, 'kanihook.yaml')
  const yaml = kanihookYaml(around, pushSecret)
  await writeFile(configFile, yaml)
  const [port, adminPort] = [await freePort(), await freePort()]
  const adminUrl = `http://127.0.0.1:${adminPort}`
  const service = startService({
    name: 'kanihook',
    command: process.execPath,
    args: [join('src', 'main.ts'), 'serve'],
    cwd: root,
    env: kanihookEnvironment(around, { port, adminPort, redisUrl, configFile }),
    onLine: (line) => onEvent(readEvent(line)),
  })
  const isReady = async () => (await fetch(`${adminUrl}/readyz`)).ok
  const what = 'kanihook says that it is ready'
  return {
    webhookUrl: `http://127.0.0.1:${port}/webhooks/gitea`,
    adminUrl,
    yaml,
    service,
    ready: async () =>
      void (await Promise.race([eventually(isReady, { within: 30_000, what }), service.ended])),
  }
}
