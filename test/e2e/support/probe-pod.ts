import { CoreV1Api, type KubeConfig, type V1Pod, type V1PodSpec } from '@kubernetes/client-node'
import { eventually } from '../../support/eventually.ts'
import { execInPod } from './exec-in-pod.ts'

/**
 * What became of an attempt to connect. A policy blocks: by ICMP's “prohibited”, as the single node's
 * enforcer does, or by silence, as most network plugins do. A port on which nothing listens refuses.
 */
export type Outcome = 'reached' | 'blocked' | 'nothing listens'

/** A pod that sleeps, from which connections are tried. */
export interface ProbePod {
  readonly name: string
  readonly address: string
  /** The output of a command in it; throws where its exit code is not 0. */
  run(...command: readonly string[]): Promise<string>
  connect(address: string, port: number): Promise<Outcome>
  remove(): Promise<void>
}

export interface ProbePodOptions {
  readonly kubeConfig: KubeConfig
  readonly namespace: string
  readonly name: string
  /** A shell with BusyBox' nc. */
  readonly image: string
  readonly labels?: Record<string, string>
  readonly spec?: Partial<V1PodSpec>
  /** What the container has beside its image and command. */
  readonly container?: Partial<V1PodSpec['containers'][number]>
}

export async function startProbePod(options: ProbePodOptions): Promise<ProbePod> {
  const { kubeConfig, namespace, name } = options
  const core = kubeConfig.makeApiClient(CoreV1Api)
  await core.createNamespacedPod({ namespace, body: manifest(options) })
  const address = await eventually(
    async () => {
      const { status } = await core.readNamespacedPod({ namespace, name })
      return status?.phase === 'Running' && status.podIP
    },
    { within: 60_000, every: 100, what: `the pod ${name} runs` },
  )

  const attempt = (...command: readonly string[]) =>
    execInPod(kubeConfig, { namespace, name, container: 'probe', command })

  return {
    name,
    address,
    async run(...command) {
      const { code, out, errors } = await attempt(...command)
      if (code !== 0) throw new Error(`${command.join(' ')} failed in ${name}: ${errors}`)
      return out
    },
    async connect(address, port) {
      const { code, errors } = await attempt('sh', '-c', connecting(address, port))
      return outcome(code === 0, errors)
    },
    async remove() {
      await core.deleteNamespacedPod({ namespace, name, gracePeriodSeconds: 0 })
      await eventually(() => core.readNamespacedPod({ namespace, name }).then(no, isGone), {
        within: 60_000,
        every: 100,
        what: `the pod ${name} is gone`,
      })
    },
  }
}

/** A command for a shell in a pod, and what its output means. It waits for at most two seconds. */
export const connecting = (address: string, port: number): string =>
  `timeout 4 nc -w 2 ${address} ${port} </dev/null`

export function outcome(succeeded: boolean, text: string): Outcome {
  if (succeeded) return 'reached'
  if (/refused/i.test(text)) return 'nothing listens'
  if (/No route to host|timed out/i.test(text)) return 'blocked'
  throw new Error(`neither reached nor blocked: ${text}`)
}

const no = () => false
const isGone = (error: { code?: number }) => error.code === 404

function manifest({ name, image, labels = {}, spec, container }: ProbePodOptions): V1Pod {
  const command = ['sleep', 'infinity']
  return {
    metadata: { name, labels },
    spec: {
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
      containers: [{ name: 'probe', image, command, ...container }],
      ...spec,
    },
  }
}
