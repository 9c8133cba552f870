import { readIdentity } from '../../src/cluster/job-identity.ts'
import type { KanihookProcess, LogEntry } from '../../test/support/kanihook-process.ts'
import type { TestRepository } from '../../test/e2e/support/repository.ts'
import { eventually } from '../../test/support/eventually.ts'
import type { Sighting, Sightings } from './sightings.ts'

/** One build by a real push: when what happened, in milliseconds since the epoch. */
export interface KanihookBuild {
  readonly sighting: Required<Pick<Sighting, 'job' | 'createdAt' | 'endedAt' | 'completeAt'>>
  /** The `git push` command begins, and ends. */
  readonly pushAt: number
  readonly pushedAt: number
  /** The delivery's headers are there; it is answered by 202; its plan is made. */
  readonly deliveredAt: number
  readonly answeredAt: number
  readonly plannedAt: number
  /** Gitea has answered that it took the status: the first one, and the success. */
  readonly firstStatusAt: number
  readonly successAt: number
}

export interface KanihookBuildOptions {
  readonly kanihook: KanihookProcess
  readonly repository: TestRepository
  readonly sightings: Sightings
  readonly sha: string
}

/** How long one build may take, in milliseconds. */
export const patienceMs = 120_000

/** Pushes the commit and waits until its success stands in Gitea. Nothing else may build meanwhile. */
export async function buildByPush(options: KanihookBuildOptions): Promise<KanihookBuild> {
  const { kanihook, repository, sightings, sha } = options
  const from = kanihook.log.length
  const find = (match: (line: LogEntry) => boolean): LogEntry | undefined =>
    kanihook.log.slice(from).find(match)
  const logged = async (what: string, match: (line: LogEntry) => boolean): Promise<LogEntry> =>
    eventually(() => find(match), { within: patienceMs, what: `kanihook logs ${what}` })

  const pushAt = Date.now()
  await repository.push('main')
  const pushedAt = Date.now()
  const end = await logged('the end of the build', ({ msg, sha: of }) => {
    return msg === 'build ended' && of === sha
  })
  if (end['state'] !== 'succeeded') throw new Error(`builds: ${JSON.stringify(end['outcome'])}`)
  const success = await logged('a success', (line) => posted(line) && line['state'] === 'success')
  const first = await logged('a status', posted)
  const planned = await logged('a plan', ({ msg }) => msg === 'delivery planned')
  const delivery = await logged('the delivery', ({ msg, event, after }) => {
    return msg === 'webhook' && event === 'push' && after === sha
  })
  await shown(repository, sha)
  const answeredAt = Date.parse(delivery.time)
  return {
    sighting: await complete(sightings, sha),
    pushAt,
    pushedAt,
    deliveredAt: answeredAt - Number(delivery['ms']),
    answeredAt,
    plannedAt: Date.parse(planned.time),
    firstStatusAt: Date.parse(first.time),
    successAt: Date.parse(success.time),
  }
}

const posted = ({ msg }: LogEntry): boolean => msg === 'status posted'

/** That kanihook's log tells the truth: Gitea itself says so. */
async function shown(repository: TestRepository, sha: string): Promise<void> {
  const statuses = await repository.statuses(sha)
  if (statuses.at(-1)?.status !== 'success') {
    throw new Error(`builds: Gitea shows ${JSON.stringify(statuses)}`)
  }
}

async function complete(sightings: Sightings, sha: string): Promise<KanihookBuild['sighting']> {
  return eventually(
    () => {
      const found = sightings.all().find(({ job }) => {
        return readIdentity(job.metadata?.annotations)?.build.sha === sha
      })
      const { job, createdAt, endedAt, completeAt } = found ?? {}
      if (!job || !createdAt || !endedAt || !completeAt) return undefined
      return { job, createdAt, endedAt, completeAt }
    },
    { within: patienceMs, what: `the Job of ${sha} is complete` },
  )
}
