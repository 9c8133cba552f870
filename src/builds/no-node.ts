import type { Build, Outcome } from './build.ts'
import { duration } from './duration.ts'
import type { Waiting } from './ports.ts'
import { briefly } from './progress.ts'

/** How long a pod waits for a node of its platform where there is none, in milliseconds. */
const patienceMs = 60_000

/**
 * The end of a build, or of a part of it, whose pod no node of its platform takes, or undefined where waiting may
 * help: a node has too little left, is being emptied or is on its way. The words are those of the
 * scheduler, which counts the nodes by what is against each. Pure.
 */
export function noNode(
  { plan }: Build,
  waiting: Waiting,
  now: number,
): Extract<Outcome, { reason: string }> | undefined {
  const { reason, since, nodeComing } = waiting
  const { platform, crossBuild, nodeTimeoutMs = patienceMs, nodeSelector = {} } = plan
  const scheduled = reason !== 'Unschedulable' || platform === undefined || crossBuild
  if (scheduled || nodeComing || since === undefined || now < since + nodeTimeoutMs)
    return undefined
  if (!isFinal(waiting)) return undefined
  const labels = Object.entries(nodeSelector).map(([key, value]) => `${key}=${value}`)
  const wanted = [platform, ...(labels.length > 0 ? [`with ${labels.join(', ')}`] : [])].join(' ')
  return {
    state: 'error',
    reason: `No node of ${wanted} took the build within ${duration(nodeTimeoutMs)}: add such a node, or set crossBuild`,
  }
}

/**
 * Whether each node is another one by its labels, or keeps the build off by a taint: control planes do.
 * Taints of Kubernetes' own pass.
 */
function isFinal(waiting: Waiting): boolean {
  const [, list = ''] = /^0\/\d+ nodes are available: (.*)$/s.exec(briefly(waiting)) ?? []
  const against = list.split(/, (?=\d+ )/)
  return against.some(isOther) && against.every((text) => isOther(text) || isTaint(text))
}

const isOther = (text: string): boolean =>
  text.includes("didn't match Pod's node affinity/selector")

const isTaint = (text: string): boolean =>
  /had untolerated taint(?! \{node\.kubernetes\.io\/)/.test(text)
