import { buildId, isEnded, type Build } from '../builds/build.ts'
import { PermanentError } from '../errors.ts'
import type { DeliveryQueue } from '../queue/delivery-queue.ts'
import type { Stores } from '../queue/stores.ts'
import type { WorkQueues } from '../queue/work-queues.ts'
import { statusId } from '../statuses/context.ts'
import { createApprover } from './approver.ts'
import type {
  AdminBuilds,
  AdminPullRequests,
  AdminRepositories,
  BuildQuery,
  RebuildWish,
} from './ports.ts'

export interface OperatorOptions {
  readonly stores: Stores
  readonly queues: Pick<WorkQueues, 'build' | 'buildNow' | 'status'>
  readonly deliveries: Pick<DeliveryQueue, 'accept'>
}

/** What an operator asks and does, over the records and the queues. */
export function createOperator({ stores, queues, deliveries }: OperatorOptions): {
  builds: AdminBuilds
  pullRequests: AdminPullRequests
  repositories: AdminRepositories
} {
  const { builds, refs, logs, statuses } = stores

  /** Reads on until enough builds fit the question, or none is left. */
  async function list(query: BuildQuery): Promise<Build[]> {
    if (query.id !== undefined) {
      const named = await builds.startingWith(query.id)
      return named.filter((build) => fits(build, query)).slice(0, query.limit)
    }
    const fitting: Build[] = []
    for (let before = query.before; fitting.length < query.limit;) {
      const page = await builds.list({ limit: 100, before })
      fitting.push(...page.filter((build) => fits(build, query)))
      before = page.at(-1)?.createdAt
      if (before === undefined) break
    }
    return fitting.slice(0, query.limit)
  }

  async function rebuild(id: string, { by, verbosity }: RebuildWish): Promise<Build | undefined> {
    const build = await builds.get(id)
    if (!build) return undefined
    if (build.attempt === 0) {
      throw new PermanentError(
        build.state === 'cancelled'
          ? 'nobody has approved that commit: see kanihook approve'
          : 'that push was never planned: have the forge deliver it again',
      )
    }
    if (build.plan.upload) {
      throw new PermanentError('an upload is not kept when its build has ended: upload it again')
    }
    const { generation } = await refs.ref(build.repository, build.ref)
    // An older commit of the ref would move its tags back.
    if (generation !== build.generation) {
      throw new PermanentError(
        `${build.ref} has moved on since: push that commit again to build it`,
      )
    }
    for (let attempt = build.attempt; ; attempt++) {
      const nextId = buildId({ ...build, attempt })
      const present = await builds.get(nextId)
      if (present && !isEnded(present.state)) {
        throw new PermanentError(`build ${nextId} of the same commit has not ended yet`)
      }
      if (present) continue
      const { repository, ref, image, sha, plan, moving, headBranch, summary } = build
      if (plan.destinations.length === 0) {
        throw new PermanentError('it has no destination: mend what its status says, and push again')
      }
      const how = verbosity === undefined ? '' : ` with verbosity ${verbosity}`
      const cause = `rebuild of ${id} by ${by}${how}`
      await builds.create({
        id: nextId,
        repository,
        ref,
        generation,
        image,
        sha,
        plan: { ...plan, verbosity: verbosity ?? (await plannedVerbosity(build)) },
        attempt,
        cause,
        ...(moving ? { moving } : {}),
        ...(headBranch === undefined ? {} : { headBranch }),
        ...(summary ? { summary } : {}),
      })
      await Promise.all([queues.build(nextId), queues.status(statusId(build), false)])
      return builds.get(nextId)
    }
  }

  /** That of the push: a rebuild that was to say more is no reason for the next one to. */
  async function plannedVerbosity(build: Build): Promise<string> {
    const first = await builds.get(buildId({ ...build, attempt: 1 }))
    return (first ?? build).plan.verbosity
  }

  async function cancel(id: string, by: string): Promise<Build | undefined> {
    const build = await builds.get(id)
    if (!build) return undefined
    if (isEnded(build.state))
      throw new PermanentError(`build ${id} has ended already: ${build.state}`)
    const after = await builds.requestStop(id, { why: 'cancelled', by })
    await Promise.all([queues.status(statusId(build), false), queues.buildNow(id)])
    return after
  }

  async function refusedStatus(build: Build): Promise<string | undefined> {
    const { shown } = await statuses.read(statusId(build))
    return shown?.refused?.message
  }

  return {
    builds: { list, rebuild, cancel, get: builds.get, log: logs.read, refusedStatus },
    pullRequests: createApprover({ refs, deliveries }),
    repositories: { trust: refs.trust },
  }
}

function fits({ repository, state, createdAt }: Build, query: BuildQuery): boolean {
  if (query.before !== undefined && createdAt >= query.before) return false
  const names = [repository.path, `${repository.host}/${repository.path}`]
  if (query.repository !== undefined && !names.includes(query.repository)) return false
  return query.state === undefined || query.state === state
}
