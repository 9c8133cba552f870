import type { Redis } from 'ioredis'
import { parseRef } from '../builds/push-event.ts'
import {
  type Build,
  type BuildPlan,
  type BuildState,
  type Outcome,
  type Step,
} from '../builds/build.ts'
import { stepNames, type StepName } from '../builds/containers.ts'
import type { BuildFacts } from '../builds/facts.ts'
import type { ScanReport } from '../builds/scan.ts'
import type { BuildChange, BuildStore, Lane } from '../builds/ports.ts'
import { endsFirst } from '../builds/tag-order.ts'
import { stopped } from '../builds/verdict.ts'
import { RetryLater } from '../errors.ts'
import { statusField, statusId } from '../statuses/context.ts'
import { createBuild, endBuild, startBuild, stopBuild, updateBuild } from './build-scripts.ts'
import { beganKey, entryKey } from './fair-line.ts'
import { key } from './redis.ts'
import { refKey } from './ref-store.ts'
import { statusKey } from './status-store.ts'

export const buildsQueue = 'builds'

/** The queue's entry of a build. */
export const buildEntry = (id: string): string => `build-${id}`

const buildEntryKey = (id: string): string => entryKey(buildsQueue, buildEntry(id))

/** Where a request to stop a running build is published; the message is the build's id. */
export const stopChannel = key('stops')

export interface BuildStoreOptions {
  readonly redis: Redis
  /** How long an ended build is kept, in milliseconds. */
  readonly retentionMs: number
  /** How many builds of a repository may run at once; 0: no limit of its own. */
  readonly maxPerRepository: number
  readonly now: () => number
}

/** What the pages and the API ask beyond what building needs. */
export interface BuildList {
  /** Newest first. `before`: only builds made before that time (milliseconds since the epoch). */
  list(options: { limit: number; before?: number | undefined }): Promise<Build[]>
  /** Those whose id begins with these hex digits, newest first. */
  startingWith(digits: string): Promise<Build[]>
}

/** The records of builds in Redis: a hash each, changed by scripts alone. */
export function createBuildStore(options: BuildStoreOptions): BuildStore & BuildList {
  const { redis, retentionMs, maxPerRepository, now } = options
  const index = key('builds')

  async function get(id: string): Promise<Build | undefined> {
    return readBuild(await redis.hgetall(buildKey(id)))
  }

  async function known(id: string): Promise<Build> {
    const build = await get(id)
    if (!build) throw new Error(`build ${id} has no record`)
    return build
  }

  /** Those that were made before it, push one of its tags, and have not ended. */
  async function olderOfTags({ id, plan }: Build): Promise<Build[]> {
    const lines = await Promise.all(
      plan.destinations.map((tag) => redis.zrange(pushingKey(tag), '0', '-1')),
    )
    const older = new Set(lines.flatMap((ids) => ids.slice(0, Math.max(0, ids.indexOf(id)))))
    const builds = await Promise.all([...older].map(get))
    return builds.filter((build) => build !== undefined)
  }

  return {
    get,

    async create(plan, ended) {
      const replaces = parseRef(plan.ref).kind !== 'tag'
      const stop = { why: 'superseded', bySha: plan.sha } as const
      const [created, ...superseded] = (await redis.eval(
        createBuild,
        7,
        buildKey(plan.id),
        laneKey(plan),
        runningKey(plan),
        heldKey(plan),
        index,
        statusKey(statusId(plan)),
        refKey(plan.repository, plan.ref),
        plan.id,
        JSON.stringify(plan),
        now(),
        score(plan),
        replaces ? '1' : '0',
        ended?.state ?? '',
        ended ? JSON.stringify(ended) : '',
        retentionMs,
        statusField(plan),
        buildKey(''),
        JSON.stringify(stop),
        JSON.stringify(stopped(stop)),
        stopChannel,
        plan.attempt > 0 ? '1' : '0',
        plan.generation,
        JSON.stringify(plan.plan.destinations.map(pushingKey)),
        ownerOf(plan),
        buildEntryKey(''),
      )) as string[]
      if (created === 'stale') {
        throw new RetryLater(`${plan.ref} has moved on since it was planned`, { afterMs: 50 })
      }
      return { created: created === '1', superseded }
    },

    active: (lane) => redis.zrangebyscore(laneKey(lane), '-inf', '+inf'),

    async olderActive(build) {
      const ofLane = await redis.zrangebyscore(laneKey(build), '-inf', `(${score(build)}`)
      const ofTags = (await olderOfTags(build)).filter((older) => endsFirst(older, build))
      return [...new Set([...ofLane, ...ofTags.map(({ id }) => id)])]
    },

    async mayStart(ended) {
      const next = await Promise.all(
        ended.plan.destinations.map((tag) => redis.zrange(pushingKey(tag), '0', '0')),
      )
      const ofLane = await redis.zrange(laneKey(ended), '0', '-1')
      const free = maxPerRepository - (await redis.scard(runningKey(ended)))
      const held = await redis.zrange(heldKey(ended), '0', `${Math.max(0, free - 1)}`)
      return [...new Set([...ofLane, ...next.flat(), ...held])]
    },

    async start(id) {
      const build = await known(id)
      const answer = (await redis.eval(
        startBuild,
        5,
        buildKey(id),
        runningKey(build),
        heldKey(build),
        buildEntryKey(id),
        beganKey(buildsQueue),
        id,
        maxPerRepository,
        buildKey(''),
        buildEntryKey(''),
      )) as string
      if (answer === 'started' || answer === 'ended') return undefined
      return { limit: maxPerRepository, before: Number(answer) }
    },

    async update(id, change) {
      const build = await known(id)
      await redis.eval(
        updateBuild,
        2,
        buildKey(id),
        runningKey(build),
        id,
        change.state ?? '',
        ...fieldsOf(change),
      )
      return known(id)
    },

    async end(id, outcome) {
      const build = await known(id)
      await redis.eval(
        endBuild,
        5,
        buildKey(id),
        laneKey(build),
        runningKey(build),
        heldKey(build),
        successKey(build),
        id,
        outcome.state,
        JSON.stringify(outcome),
        now(),
        retentionMs,
        successField(build),
        build.sha,
      )
      return known(id)
    },

    async requestStop(id, stop) {
      const build = await known(id)
      const outcome = stopped(stop)
      await redis.eval(
        stopBuild,
        4,
        buildKey(id),
        laneKey(build),
        runningKey(build),
        heldKey(build),
        id,
        JSON.stringify(stop),
        outcome.state,
        JSON.stringify(outcome),
        now(),
        retentionMs,
        stopChannel,
      )
      return known(id)
    },

    async lastSuccess(lane) {
      return (await redis.hget(successKey(lane), successField(lane))) ?? undefined
    },

    async startingWith(digits) {
      const ids = new Set<string>()
      let cursor = '0'
      do {
        const [next, found] = await redis.zscan(
          index,
          cursor,
          'MATCH',
          `${digits}*`,
          'COUNT',
          1_000,
        )
        // Each member is followed by its score, and may come twice.
        for (const id of found.filter((_, i) => i % 2 === 0)) ids.add(id)
        cursor = next
      } while (cursor !== '0')
      const builds = await Promise.all([...ids].map(get))
      return builds
        .filter((build) => build !== undefined)
        .toSorted((a, b) => b.createdAt - a.createdAt)
    },

    async list({ limit, before }) {
      const newest = before === undefined ? '+inf' : `(${before}`
      const ids = await redis.zrevrangebyscore(index, newest, '-inf', 'LIMIT', 0, limit)
      const builds = await Promise.all(ids.map(get))
      return builds.filter((build) => build !== undefined)
    },
  }
}

type Owner = Pick<BuildPlan, 'repository'>

export const buildKey = (id: string): string => key('build', id)
const ownerOf = ({ repository: { forge, id } }: Owner): string => `${forge}/${id}`
const runningKey = ({ repository }: Owner): string =>
  key('running', repository.forge, repository.id)
const heldKey = ({ repository }: Owner): string => key('held', repository.forge, repository.id)
const successKey = ({ repository }: Owner): string =>
  key('success', repository.forge, repository.id)
const successField = ({ ref, image }: Lane): string => JSON.stringify([ref, image])
/** Of `registry/repository:tag`. */
const pushingKey = (destination: string): string => key('pushing', destination)
const laneKey = ({ repository, ref, image }: Lane): string =>
  key('lane', repository.forge, repository.id, JSON.stringify([ref, image]))

/** Orders the builds of a lane: a later generation first, then a later attempt. */
const score = ({ generation, attempt }: BuildPlan): number => generation * 1_000 + attempt

function readBuild(fields: Readonly<Record<string, string>>): Build | undefined {
  const plan = fields['plan']
  if (plan === undefined) return undefined
  return {
    ...(JSON.parse(plan) as BuildPlan),
    state: fields['state'] as BuildState,
    createdAt: Number(fields['createdAt']),
    endedAt: fields['endedAt'] === undefined ? undefined : Number(fields['endedAt']),
    steps: readSteps(fields),
    outcome:
      fields['outcome'] === undefined ? undefined : (JSON.parse(fields['outcome']) as Outcome),
    tries: Number(fields['tries']),
    ...readParts(fields),
    stop: fields['stop'] === undefined ? undefined : (JSON.parse(fields['stop']) as Build['stop']),
    protected: fields['protected'] === '1',
    ...(fields['facts'] === undefined ? {} : { facts: JSON.parse(fields['facts']) as BuildFacts }),
    ...readScans(fields),
  }
}

/**
 * Steps are fields `step.<time>.<name>`, with `.<part>` where it is one's, so that writing one twice is
 * writing it once. Of a part there are `tries.<part>`, `digest.<part>` and `scan.<part>`.
 */
function fieldsOf({ step, tries, part, digest, scan, facts }: BuildChange): (string | number)[] {
  const of = (name: string, owner = part): string =>
    owner === undefined ? name : `${name}.${owner}`
  return [
    ...(step ? [of(`step.${step.at}.${step.name}`, step.part), step.note ?? ''] : []),
    ...(tries === undefined ? [] : [of('tries'), tries]),
    ...(digest === undefined ? [] : [of('digest'), digest]),
    ...(scan ? [of('scan'), JSON.stringify(scan)] : []),
    ...(facts ? ['facts', JSON.stringify(facts)] : []),
  ]
}

function readSteps(fields: Readonly<Record<string, string>>): Step[] {
  return Object.entries(fields)
    .flatMap(([field, note]) => {
      const [kind, at, name, part] = field.split('.')
      if (kind !== 'step') return []
      const more = { ...(note ? { note } : {}), ...(part === undefined ? {} : { part }) }
      return [{ name: name as StepName, at: Number(at), ...more }]
    })
    .toSorted((a, b) => a.at - b.at || order(a) - order(b))
}

/** Redis keeps no order of fields. */
const order = ({ name }: Step): number => stepNames.indexOf(name)

function readScans(fields: Readonly<Record<string, string>>): Pick<Build, 'scans'> {
  const scans = Object.entries(fields).flatMap(([field, text]) => {
    const [kind, part] = field.split('.')
    if (kind !== 'scan') return []
    const report = JSON.parse(text) as ScanReport
    return [part === undefined ? report : { part, ...report }]
  })
  return scans.length > 0 ? { scans } : {}
}

function readParts(fields: Readonly<Record<string, string>>): Pick<Build, 'parts'> {
  const parts = Object.entries(fields).flatMap(([field, tries]) => {
    const [kind, part] = field.split('.')
    if (kind !== 'tries' || part === undefined) return []
    const digest = fields[`digest.${part}`]
    return [[part, { tries: Number(tries), ...(digest === undefined ? {} : { digest }) }] as const]
  })
  return parts.length > 0 ? { parts: Object.fromEntries(parts) } : {}
}
