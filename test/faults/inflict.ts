import { setTimeout as sleep } from 'node:timers/promises'
import { BatchV1Api, CoreV1Api, type V1Pod } from '@kubernetes/client-node'
import { labels } from '../../src/cluster/job-identity.ts'
import type { Fault as ForgeFault } from '../stand-ins/forge-server.ts'
import type { Fault, FaultName } from './schedule.ts'
import type { Step } from './steps.ts'
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

/** What the workers are killed at. */
const killedAt: Partial<Record<FaultName, Step>> = {
  'workers killed at a 202': 'accepted',
  'workers killed at a pending status': 'pending told',
  'workers killed at a new Job': 'Job made',
  'workers killed at a running pod': 'pod running',
  'workers killed at an ended pod': 'pod ended',
  'workers killed at an end told': 'end told',
}

const quotas: Partial<Record<FaultName, string>> = {
  'quota of Jobs full': 'count/jobs.batch',
  'quota of pods full': 'pods',
}

/** How long a step or a pod is waited for that a fault needs, in milliseconds. */
const opportunityMs = 5_000

/** Makes a fault happen to a process or a server, and mends it when the wait is over. Undefined: there was no opportunity. */
export type Inflict = (fault: Fault, wait: () => Promise<void>) => Promise<Inflicted | undefined>

/** On a slow machine a fault may outlast its time: the next one of the same victim waits. */
export function createInflict(world: World, signal: AbortSignal): Inflict {
  const { redis, forge, receivers, workers, plane, pods, lines, steps, now } = world
  const core = plane.config.makeApiClient(CoreV1Api)
  const batch = plane.config.makeApiClient(BatchV1Api)
  const { namespace } = plane
  const turns = new Map<string, ReturnType<typeof createTurns>>()

  const pause = (ms: number): Promise<unknown> =>
    sleep(ms, undefined, { signal }).catch(() => undefined)

  /** What is told of the next such step; undefined: none came. */
  const opportunity = <T>(of: Promise<T>): Promise<T | undefined> =>
    Promise.race([of, pause(opportunityMs).then(() => undefined)])

  /** The API server may be away as well. */
  async function persist(call: () => Promise<unknown>): Promise<void> {
    while (!signal.aborted) {
      try {
        await call()
        return
      } catch (error) {
        const { code } = error as { code?: number }
        if (code === 404 || code === 409) return
        await pause(200)
      }
    }
  }

  /** Takes a running pod away; undefined: there is none. */
  async function take(how: (pod: string, job: string) => Promise<unknown>) {
    const end = now() + opportunityMs
    while (now() < end && !signal.aborted) {
      const found = pods.alive().find(isRunning)
      const { name = '', labels: its = {} } = found?.metadata ?? {}
      const job = its[labels.job] ?? ''
      if (found) {
        pods.takes(job)
        const from = now()
        await persist(() => how(name, job))
        return from
      }
      await pause(20)
    }
    return undefined
  }

  /** Its pods can say nothing any more, and are removed by the control plane after a while. */
  async function loseNode(target: number, wait: () => Promise<void>): Promise<void> {
    const name = plane.nodes[target % plane.nodes.length] ?? ''
    await persist(() => core.deleteNode({ name }))
    for (const { metadata, spec } of pods.alive()) {
      if (spec?.nodeName === name) pods.takes(metadata?.labels?.[labels.job] ?? '')
    }
    await wait()
    await persist(() => plane.addNode(name))
  }

  async function fillQuota(what: string, wait: () => Promise<void>): Promise<void> {
    const body = { metadata: { name: 'full' }, spec: { hard: { [what]: '0' } } }
    await persist(() => core.createNamespacedResourceQuota({ namespace, body }))
    await wait()
    await persist(() => core.deleteNamespacedResourceQuota({ namespace, name: 'full' }))
  }

  /** Returns when it began, if not when it was asked for; undefined: not at all. */
  async function strike({ name, target, forMs }: Fault, wait: () => Promise<void>) {
    const from = now()
    const step = killedAt[name]
    const quota = quotas[name]
    const forgeFault = forgeFaults[name]
    if (step !== undefined) {
      await opportunity(steps.next(step))
      const killed = now()
      await Promise.all(workers.map((worker) => worker.restart(wait)))
      return killed
    }
    if (quota !== undefined) await fillQuota(quota, wait)
    if (forgeFault !== undefined) {
      forge.failAll(forgeFault)
      await wait()
      forge.failAll(undefined)
    }
    switch (name) {
      case 'receiver killed':
        await receivers[target]?.restart(wait)
        break
      case 'receiver killed at a 202': {
        const receiver = await opportunity(steps.next('accepted'))
        const killed = now()
        await receivers[Number(receiver ?? target)]?.restart(wait)
        return killed
      }
      case 'worker killed':
        await workers[target]?.restart(wait)
        break
      case 'worker stopped':
        await workers[target]?.freeze(wait)
        break
      case 'workers rolled':
        for (const worker of workers) await worker.roll()
        break
      case 'Redis restarted':
        await redis.restart(wait)
        break
      case 'Redis stopped':
        redis.process.kill('SIGSTOP')
        await wait()
        redis.process.kill('SIGCONT')
        break
      case 'Redis slow':
        await lines.redis.slow(100 + (forMs % 700), wait)
        break
      case 'Redis cut':
        await lines.redis.cut(wait)
        break
      case 'API server stopped':
        await plane.freeze(wait)
        break
      case 'API server restarted':
        await plane.restart(wait)
        break
      case 'API server slow':
        await lines.api.slow(100 + (forMs % 1_000), wait)
        break
      case 'API server cut':
        await lines.api.cut(wait)
        break
      case 'node lost':
        await loseNode(target, wait)
        break
      case 'pod evicted':
        return take((pod) =>
          core.createNamespacedPodEviction({
            namespace,
            name: pod,
            body: { metadata: { name: pod, namespace } },
          }),
        )
      case 'Job deleted':
        return take((_, job) =>
          batch.deleteNamespacedJob({ namespace, name: job, propagationPolicy: 'Background' }),
        )
    }
    return from
  }

  return async (fault, wait) => {
    const victim = fault.name.split(' ')[0] ?? ''
    // Aborted, what has not begun is left out.
    const play = async (): Promise<Inflicted | undefined> =>
      signal.aborted ? undefined : done(fault, await strike(fault, wait))
    // Processes have turns of their own.
    if (/^(receiver|worker)/.test(victim)) return play()
    const turn = turns.get(victim) ?? createTurns()
    turns.set(victim, turn)
    return turn(play)
  }

  function done({ name }: Fault, from: number | undefined): Inflicted | undefined {
    return from === undefined ? undefined : { name, from, to: now() }
  }
}

const isRunning = ({ status, metadata }: V1Pod): boolean =>
  status?.phase === 'Running' && metadata?.deletionTimestamp === undefined
