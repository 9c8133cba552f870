import { plainText } from '../src/pages/log-text.ts'
import { BatchV1Api, KubeConfig } from '@kubernetes/client-node'
import { parseRef } from '../src/builds/push-event.ts'
import { jobName } from '../src/builds/build.ts'
import { eventually } from '../test/support/eventually.ts'
import { followBuildLog, type BuildLog } from './build-log.ts'
import { readStatuses, type ForgeStatus } from './forge/forge.ts'
import type { EventOf, LogEvent } from './log-event.ts'
import type { Printer } from './printer.ts'
import type { Surroundings } from './surroundings/surroundings.ts'

/** A build that has ended, with the last status that the forge shows for it. */
export interface Ended {
  readonly sha: string
  readonly pushed: readonly { readonly destination: string; readonly digest: string }[]
  readonly status: ForgeStatus
}

export interface StoryOptions {
  readonly around: Surroundings
  readonly printer: Printer
  readonly adminUrl: () => string
  /** Told of a push that is accepted, before the first line about it. */
  readonly onPush: (at: number) => void
  /** Told of each build that has ended; the story goes on when it resolves. */
  readonly onEnded: (ended: Ended) => Promise<void>
}

/** Turns kanihook's log, what the forge received and what the cluster has into steps to read. */
export interface Story {
  /** Tells an event after the ones before it. */
  tell(event: LogEvent): void
  /** Nothing is told any more. */
  mute(): void
}

const short = (sha: string): string => sha.slice(0, 7)

export function createStory(options: StoryOptions): Story {
  const { around, printer, adminUrl, onPush, onEnded } = options
  const { forge, namespace } = around
  const simulated = around.registry === undefined
  const config = new KubeConfig()
  config.loadFromFile(around.kubeconfig)
  const batch = config.makeApiClient(BatchV1Api)
  const logs = new Map<string, BuildLog>()
  /** The last status that was told, by commit. */
  const told = new Map<string, number>()
  let muted = false
  let chain = Promise.resolve()

  async function handle(event: LogEvent): Promise<void> {
    if (event.msg === 'webhook') webhook(event)
    else if (event.msg === 'delivery planned') {
      const { at, decision, reason } = event
      const text = decision === 'planned' ? reason : `${decision}: ${reason}`
      printer.step({ at, label: 'decision', text })
    } else if (event.msg === 'build changed') await buildChanged(event)
    else if (event.msg === 'build ended') await buildEnded(event)
    else if (event.msg === 'status posted') {
      for (const sha of told.keys()) await tellStatuses(sha, event.at)
    } else if (event.msg === 'status refused by the forge') {
      printer.step({ at: event.at, label: 'status', text: event.refused, style: 'red' })
    } else if (!['trace', 'debug', 'info'].includes(event.level)) {
      printer.step({ at: event.at, label: event.level, text: event.text, style: 'yellow' })
    }
  }

  function webhook(event: EventOf<'webhook'>): void {
    const { at, decision, delivery, ref = '', after = '', reason, error } = event
    if (delivery === undefined || reason !== undefined) {
      const text = [decision, event.status, reason ?? error].filter((each) => each !== undefined)
      printer.step({ at, label: 'webhook', text: text.join(': ') })
      return
    }
    onPush(at)
    told.set(after, told.get(after) ?? 0)
    const { kind, name } = parseRef(ref)
    const text = `push of ${kind} ${name} at ${short(after)}: signature verified, ${decision}, stored`
    printer.step({ at, label: 'webhook', text })
    printer.step({ at, label: 'delivery', text: `${adminUrl()}/api/deliveries/${delivery}` })
  }

  async function buildChanged(event: EventOf<'build changed'>): Promise<void> {
    const { at, build, image, sha, state, note } = event
    if (note) printer.step({ at, label: 'waiting', text: note, style: 'yellow' })
    if (state !== 'starting' || logs.has(build)) return
    const job = jobName({ id: build, image }, 1)
    await eventually(() => batch.readNamespacedJob({ namespace, name: job }), { what: job })
    printer.step({ label: 'job', text: `${job} in namespace ${namespace}`, simulated })
    logs.set(build, followBuildLog(adminUrl(), build, createLogTeller(sha)))
  }

  /** Says what a container does before its first line. */
  function createLogTeller(sha: string): (container: string, line: string) => void {
    const begun = new Set<string>()
    return (container, line) => {
      if (muted) return
      if (!begun.has(container)) {
        const text = simulated ? 'nothing runs in it' : purpose(container, sha)
        printer.step({ label: container, text: `container ${container}: ${text}`, simulated })
      }
      begun.add(container)
      printer.log(plainText(line), simulated)
    }
  }

  async function buildEnded(event: EventOf<'build ended'>): Promise<void> {
    const { at, build, sha, outcome } = event
    await logs.get(build)?.finish()
    const { state, reason, pushed = [] } = outcome
    for (const digest of new Set(pushed.map((image) => image.digest))) {
      printer.step({ at, label: 'digest', text: digest, simulated })
    }
    for (const { destination } of pushed) {
      printer.step({ at, label: 'image', text: destination, simulated })
    }
    if (reason) printer.step({ at, label: state, text: reason, style: 'red' })
    const what = `a last status on commit ${short(sha)}`
    const last = async () => (await readStatuses(forge, sha)).findLast(isLast)
    const status = await eventually(last, { within: 30_000, what })
    await tellStatuses(sha, at)
    if (!muted) await onEnded({ sha, pushed, status })
  }

  /** What the forge was given since it was asked last. */
  async function tellStatuses(sha: string, at: number): Promise<void> {
    const statuses = await readStatuses(forge, sha)
    const [first] = statuses
    for (const { id, status, context, description, target_url: page } of statuses) {
      if (id <= (told.get(sha) ?? 0)) continue
      const style = status === 'success' ? 'green' : status === 'pending' ? 'cyan' : 'red'
      const text = `${status.padEnd(8)}${context}: ${description}`
      printer.step({ at, label: 'status', text, style, simulated })
      if (id === first?.id) printer.step({ at, label: 'page', text: page, simulated })
      told.set(sha, id)
    }
  }

  return {
    tell(event) {
      chain = chain
        .then(() => (muted ? undefined : handle(event)))
        .catch((error: unknown) => {
          if (!muted) printer.text(`  ${String(error)}`, 'red')
        })
    },
    mute() {
      muted = true
    },
  }
}

const purpose = (container: string, sha: string): string =>
  container === 'clone'
    ? `git fetches ${short(sha)} and nothing else; only here is the git login`
    : 'Kaniko builds the Dockerfile and pushes the image; no Docker daemon'

const isLast = ({ status }: ForgeStatus): boolean => status !== 'pending'
