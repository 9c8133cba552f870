import type { BuildImages } from './images.ts'
import type { ResolvedOptions } from './options.ts'
import type { Daemons } from './support/daemons.ts'
import type { Program } from './support/programs.ts'
import type { Progress } from './support/progress.ts'
import type { ToolName } from './tools.ts'

/** What brings the nodes: a cluster that is there already, kind, or plain processes. */
export interface Provider {
  /** What must be on this machine, besides what the registry and Gitea need. */
  readonly programs: readonly Program[]
  readonly tools: readonly ToolName[]
  /** The administrator's; written by `start` at the latest. */
  readonly kubeconfig: string
  /** Makes the network, and returns this machine's address as pods reach it. */
  prepare(): Promise<string>
  /** Returns when a node is ready for pods. Runs at the same time as `provideImages`. */
  start(): Promise<void>
  /** Returns the images for the containers of a build, where pods can use them. */
  provideImages(): Promise<BuildImages<string>>
  /** Removes all that was made, however much of it there is. */
  stop(): Promise<void>
}

export interface ProviderContext {
  readonly options: ResolvedOptions
  readonly daemons: Daemons
  readonly onProgress: Progress
}

export type ProviderName = 'existing' | 'kind' | 'single-node'
