import type { Asked } from './options.ts'

/** `cluster`: a real one; `processes`: a stand-in that really builds; `simulated`: one that does not. */
export type Mode = 'cluster' | 'processes' | 'simulated'

/** What decides where builds run. */
export interface Machine {
  readonly platform: NodeJS.Platform
  readonly isRoot: boolean
  /** Whether processes can be given mounts and namespaces of their own; not so in many containers. */
  readonly canIsolate: boolean
  /** Paths, as in the environment. */
  readonly kubeconfig: string | undefined
  /** Whether `kubeconfig` is of a test cluster on this machine, whose pods reach it anyway. */
  readonly isTestCluster: boolean
  readonly hostAddress: string | undefined
  /** Whether Docker runs and kind is there. */
  readonly hasKind: boolean
}

export interface Choice {
  readonly mode: Mode
  /** Why nothing better, as sentences to the person at the terminal. */
  readonly notes: readonly string[]
}

/** The most real of what there is, unless one was asked for. */
export function chooseMode(asked: Asked, machine: Machine): Choice {
  const { platform, isRoot, canIsolate, kubeconfig, isTestCluster, hostAddress, hasKind } = machine
  const isLinux = platform === 'linux'
  if (asked === 'cluster') return { mode: 'cluster', notes: [] }
  if (asked === 'simulated') return { mode: 'simulated', notes: [] }
  const notes: string[] = []
  if (asked === undefined && isLinux) {
    if (kubeconfig && (hostAddress || isTestCluster)) return { mode: 'cluster', notes }
    if (kubeconfig) {
      notes.push(
        'KUBECONFIG is set and its cluster is left alone: to use it, set HOST_ADDRESS to an address of this machine that its pods reach.',
      )
    } else if (hasKind) return { mode: 'cluster', notes }
  }
  if (isLinux && isRoot && canIsolate) return { mode: 'processes', notes }
  notes.push(`Nothing is built here: ${lack(isLinux, isRoot)}.`)
  return { mode: 'simulated', notes }
}

function lack(isLinux: boolean, isRoot: boolean): string {
  if (!isLinux) return 'that takes Linux, as root or with Docker and kind'
  return isRoot
    ? 'this root may make no namespaces, as in a container without privileges'
    : 'that takes root (sudo ./dev demo), or Docker with kind'
}
