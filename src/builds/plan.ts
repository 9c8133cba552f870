import { buildId, type BuildPlan, type Outcome } from './build.ts'
import { causedBy } from './cause.ts'
import { claimTags } from './claim-tags.ts'
import { createHeads } from './heads.ts'
import { planImage } from './image-plan.ts'
import { imagesAt, withTagsOf } from './own-file.ts'
import type { BuildStore, GitRemote, RefHead, RefRecord, RefStore } from './ports.ts'
import { createPullRequests } from './pull-requests.ts'
import {
  isPullRequest,
  isZero,
  parseRef,
  type Delivery,
  type PushEvent,
  type Repository,
} from './push-event.ts'
import type { ImageRule, RepositoryRule, Rules } from './rules.ts'
import { createUnbuilt, headBranch, summaryOf } from './unbuilt.ts'

/** What a delivery led to: the answer to "why did it build, or not?". */
export interface PlanResult {
  readonly decision: 'planned' | 'ignored'
  readonly reason: string
  /** Builds of the ref's head that this delivery is about. */
  readonly builds: readonly string[]

  /** Older builds that it ended or asked to stop. */
  readonly superseded: readonly string[]
}

export interface PlannerOptions {
  readonly git: GitRemote
  readonly refs: RefStore
  readonly builds: BuildStore
  readonly rules: Rules
  /**
   * Has a build run to its end; asking again is fine. Called for each build as soon as its record is
   * there: a plan that breaks off after the first image has not left that one behind.
   */
  readonly enqueue: (id: string) => Promise<void>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** For how long after a push a head equal to the push's `before` is not believed. */
  readonly staleReadMs?: number
}

export interface Planner {
  /**
   * Makes what the forge's ref points at now so. Safe to repeat and to run twice at once. Throws
   * RetryLater to be asked again, PermanentError where git refuses for good.
   */
  plan(delivery: Delivery): Promise<PlanResult>
  /**
   * Ends a push that could not be planned: an error of every image on the commit that it named, for
   * whoever pushed must hear of it. Returns the builds' ids.
   */
  giveUp(delivery: Delivery, reason: string): Promise<readonly string[]>
}

/** Decides what a delivery leads to. */
export function createPlanner(options: PlannerOptions): Planner {
  const { git, refs, builds, rules, enqueue, now, staleReadMs = 10_000 } = options
  const heads = createHeads({ git, refs, now, staleReadMs })
  const unbuilt = createUnbuilt({ git, builds, rules, now })
  const pullRequests = createPullRequests({ git, refs, builds, heads, unbuilt })

  return { plan, giveUp }

  /**
   * The id is what all is kept by, and whoever signs for one path could name the id of another. Undefined: it is
   * the repository's own, also after it was renamed among those that one secret signs for.
   */
  async function knownToOthers(
    repository: Repository,
    rule: RepositoryRule,
  ): Promise<string | undefined> {
    const path = await refs.knownRepositoryPath(repository)
    if (path === repository.path.toLowerCase()) return undefined
    if (rules.find({ ...repository, path })?.webhookSecret !== rule.webhookSecret) return path
    await refs.recordRepositoryPath(repository)
    return undefined
  }

  async function plan(delivery: Delivery): Promise<PlanResult> {
    const { event } = delivery
    const { repository, ref } = event
    const rule = rules.find(repository)
    if (!rule)
      return ignored(`No entry of kanihook.yaml matches ${repository.host}/${repository.path}`)
    const unwanted = rule.unwanted(event)
    if (unwanted !== undefined) return ignored(unwanted)

    const knownId = await refs.knownRepositoryId(repository)
    if (knownId !== repository.id) {
      return ignored(
        `${repository.path} was repository ${knownId} and is now ${repository.id}: refused until an operator trusts it`,
      )
    }

    const other = await knownToOthers(repository, rule)
    if (other !== undefined) {
      return ignored(
        `Repository ${repository.id} is known as ${other}, for which another webhook secret signs: refused until an operator trusts it`,
      )
    }

    const over = await pullRequests.over(delivery)
    if (over) return { ...ignored(over.reason), superseded: over.stopped }

    const { head, record } = await heads.current(delivery)
    if (!head) {
      await refs.releaseTags(repository, ref)
      return ignored(`${ref} does not exist any more`)
    }
    const trust = await pullRequests.trust(delivery, rule, { head, record })
    if ('refused' in trust) return { ...ignored(trust.refused), builds: trust.ended }
    const named = [head.commit, head.object].includes(event.after)
    if (!named && record.baseline) {
      return ignored(
        `${ref} points at ${short(head.commit)}, not at ${short(event.after)}: nothing was built`,
      )
    }

    const cause = causedBy(delivery, trust.approved ? 'approved' : 'pushed')
    const at = await imagesAt(rule, git, repository, head.commit)
    const { images, problem } = isPullRequest(ref) ? withTagsOf(rule, at) : at
    const entry = { ...rule, images }
    const changedSince = changesTo(event, head)
    const made = []
    for (const image of images) {
      const situation = { delivery, cause, record, head, entry, problem, changedSince }
      const build = await planBuild(image, situation)
      await enqueue(build.id)
      made.push(build)
    }
    const fresh = made.filter((build) => build.created)
    const listed = named ? made : fresh
    return {
      decision: listed.length > 0 ? 'planned' : 'ignored',
      reason: explain(event, head, named, fresh.length),
      builds: listed.map((build) => build.id),

      superseded: made.flatMap((build) => build.superseded),
    }
  }

  async function giveUp(delivery: Delivery, reason: string): Promise<readonly string[]> {
    const { repository, ref, after: sha } = delivery.event
    if (isZero(sha)) return []
    const { generation } = await refs.ref(repository, ref)
    // A stranger's file names no statuses.
    const images = isPullRequest(ref)
      ? (rules.find(repository)?.images ?? [])
      : await unbuilt.images(repository, sha)
    return unbuilt.end(delivery, { generation, sha, images }, { state: 'error', reason })
  }

  async function planBuild(
    rule: ImageRule,
    { delivery, cause, record, head, entry, problem: unfit, changedSince }: Situation,
  ): Promise<{ id: string; created: boolean; superseded: readonly string[] }> {
    const { event, receivedAt } = delivery
    const { repository, ref } = event
    const { generation } = record
    const sha = head.commit
    const identity = { repository, ref, generation, image: rule.name, attempt: 1, sha }
    const id = buildId(identity)
    if (await builds.get(id)) return { id, created: false, superseded: [] }

    const planned = planImage(rule, repository, ref, sha, now())
    const problem = unfit ?? planned.problem
    const { destinations, ended } =
      problem === undefined
        ? await claimTags(planned.claims, { event, entry, refs })
        : { destinations: [], ended: { state: 'failed', reason: problem } as const }
    const moving = planned.claims.filter((claim) => claim.version !== undefined || claim.yields)
    const build = {
      ...identity,
      id,
      ...cause,
      receivedAt,
      plan: { ...planned.plan, destinations },
      ...(moving.length > 0 ? { moving } : {}),
      ...headBranch(event),
      ...summaryOf(entry, entry.images),
    }
    const outcome = ended ?? (await untouched(rule, build, changedSince))
    return { id, ...(await builds.create(build, outcome)) }
  }

  /** Files that changed from a commit on, asked once for all images whose last success it was. */
  function changesTo({ repository }: PushEvent, { commit }: RefHead): ChangedSince {
    const answers = new Map<string, ReturnType<ChangedSince>>()
    return (from) => {
      // A diff that cannot be had is no reason to hold a push back.
      const answer =
        answers.get(from) ?? git.changedFiles(repository, from, commit).catch(() => undefined)
      answers.set(from, answer)
      return answer
    }
  }

  /** An end for an image that no changed file concerns; in doubt it is built. */
  async function untouched(
    { paths }: ImageRule,
    build: { repository: Repository; ref: string; image: string },
    changedSince: ChangedSince,
  ): Promise<Outcome | undefined> {
    if (!paths || parseRef(build.ref).kind === 'tag') return undefined
    const last = await builds.lastSuccess(build)
    const files = last && (await changedSince(last))
    if (!files || paths.concern(files)) return undefined
    return { state: 'skipped', reason: 'Skipped: no changed file matches paths' }
  }
}

/** Files that differ from an earlier commit; undefined where that cannot be told. */
type ChangedSince = (from: string) => Promise<readonly string[] | undefined>

/** What all images of a plan share. */
interface Situation {
  readonly delivery: Delivery
  /** Why it is built, as its record says it. */
  readonly cause: Pick<BuildPlan, 'cause' | 'foundBy'>
  readonly record: RefRecord
  readonly head: RefHead
  /** With the images that there are at the head. */
  readonly entry: RepositoryRule
  /** Why none of them can be built. */
  readonly problem: string | undefined
  readonly changedSince: ChangedSince
}

const short = (sha: string): string => (isZero(sha) ? 'nothing' : sha.slice(0, 12))

const ignored = (reason: string): PlanResult => ({
  decision: 'ignored',
  reason,
  builds: [],

  superseded: [],
})

function explain(event: PushEvent, head: RefHead, named: boolean, fresh: number): string {
  const { ref, after } = event
  const where = named
    ? `${ref} points at ${short(head.commit)}`
    : `${ref} points at ${short(head.commit)}, not at ${short(after)}`
  if (fresh > 0) return `${where}: ${fresh} ${fresh === 1 ? 'build' : 'builds'} planned`
  return `${where}: ${named ? 'its builds exist already' : 'nothing was built for it'}`
}
