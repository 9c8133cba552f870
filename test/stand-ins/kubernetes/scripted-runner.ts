import { createHash } from 'node:crypto'
import type { V1Container } from '@kubernetes/client-node'
import type { ContainerName } from '../../../src/builds/containers.ts'
import type { End, PodHandle, PodRunner } from './pod-handle.ts'

/** What a pod does. It may wait for whatever the test decides; the pod's end ends the waiting. */
export type Script = (pod: ScriptedPod) => Promise<void> | void

/** A pod in the hands of a test. Nothing runs in it, and its log and annotations say so. */
export interface ScriptedPod extends PodHandle {
  /** Whether it has this container: the one that joins platforms has `publish` alone. */
  has(container: ContainerName): boolean
  /** Runs the clone container to its end. */
  clone(end?: Partial<End>): void
  /** Ends what pushes, Kaniko's container or the one after it, as if it had pushed to every destination. */
  pushed(): void
}

export interface ScriptedRunner {
  readonly run: PodRunner
  /** What the pod of this Job does; to be said before the Job is created. */
  script(job: string, script: Script): void
  /** What every other pod does; it succeeds at once unless said. */
  byDefault(script: Script): void
  /** The pod of a Job, as soon as there is one. */
  pod(job: string): Promise<ScriptedPod>
}

/** Clones, says one line, and pushes; or joins platforms. */
export const succeeds: Script = (pod) => {
  if (pod.has('build')) {
    pod.clone()
    pod.begin('build')
    pod.log('build', 'INFO[0000] Pushed image')
  }
  pod.pushed()
}

/** Clones, and ends the build with these last words. */
export const fails =
  (end: End, ...lines: string[]): Script =>
  (pod) => {
    pod.clone()
    pod.begin('build')
    for (const line of lines) pod.log('build', line)
    pod.finish('build', end)
  }

/** Clones, begins to build, and goes on until it is told to end. */
export const hangs: Script = async (pod) => {
  pod.clone()
  pod.begin('build')
  await new Promise(() => {})
}

export function createScriptedRunner(): ScriptedRunner {
  const scripts = new Map<string, Script>()
  const pods = new Map<string, PromiseWithResolvers<ScriptedPod>>()
  let otherwise: Script = succeeds

  const expected = (job: string): PromiseWithResolvers<ScriptedPod> => {
    const known = pods.get(job) ?? Promise.withResolvers<ScriptedPod>()
    pods.set(job, known)
    return known
  }

  return {
    script: (job, script) => void scripts.set(job, script),
    byDefault(script) {
      otherwise = script
    },
    pod: (job) => expected(job).promise,
    async run(handle) {
      const pod = scripted(handle)
      pod.annotate('kanihook.dev/simulated', 'true')
      expected(pod.job).resolve(pod)
      const ended = new Promise<void>((resolve) =>
        pod.signal.addEventListener('abort', () => resolve(), { once: true }),
      )
      const script = scripts.get(pod.job) ?? otherwise
      await Promise.race([Promise.resolve(script(pod)), ended])
    },
  }
}

function scripted(handle: PodHandle): ScriptedPod {
  const begin = (container: string): void => {
    if (container === containers(handle)[0]?.name) handle.schedule()
    handle.begin(container)
    handle.log(container, `[simulated] Nothing runs in container ${container}`)
  }
  return {
    ...handle,
    begin,
    has: (name) => containers(handle).some((each) => each.name === name),
    clone(end = {}) {
      begin('clone')
      handle.log('clone', `Cloning ${container(handle, 'clone').args?.[0] ?? ''}`)
      handle.finish('clone', { exitCode: 0, ...end })
    },
    pushed() {
      const digest = simulatedDigest(handle.job)
      const told = (destinations: readonly string[]): End => ({
        exitCode: 0,
        message: destinations.map((destination) => `${destination}@${digest}\n`).join(''),
      })
      const [build, publish] = ['build', 'publish'].map((wanted) =>
        containers(handle).find(({ name }) => name === wanted),
      )
      if (build && !publish) return handle.finish('build', told(destinationsOf(build)))
      if (!publish) throw new Error('nothing in the pod pushes')
      if (build) handle.finish('build', { exitCode: 0 })
      if (containers(handle).some(({ name }) => name === 'scan')) {
        begin('scan')
        handle.finish('scan', { exitCode: 0, message: 'scan\n' })
      }
      begin('publish')
      handle.finish('publish', told(placesOf(publish)))
    },
  }
}

/** Where Kaniko is told to push. */
const destinationsOf = ({ args = [] }: V1Container): string[] => {
  const flag = '--destination='
  return args.filter((arg) => arg.startsWith(flag)).map((arg) => arg.slice(flag.length))
}

/** Where the publish script is told to push: the layout, or digests and `--`, then a flag, a repository and maybe a tag for each. */
function placesOf({ args = [] }: V1Container): string[] {
  const places = args.slice(Math.max(args.indexOf('--'), 0) + 1)
  return Array.from({ length: places.length / 3 }, (_, place) =>
    places
      .slice(place * 3 + 1, place * 3 + 3)
      .filter((part) => part !== '')
      .join(':'),
  )
}

/** No image has it. */
export const simulatedDigest = (job: string): string =>
  `sha256:${createHash('sha256').update(`simulated ${job}`).digest('hex')}`

const containers = ({ pod: { spec } }: PodHandle): V1Container[] => [
  ...(spec?.initContainers ?? []),
  ...(spec?.containers ?? []),
]

function container(handle: PodHandle, name: ContainerName): V1Container {
  const found = containers(handle).find((each) => each.name === name)
  if (!found) throw new Error(`no container ${name} in the pod`)
  return found
}
