import type { KubernetesObject, V1ObjectMeta, V1PodSpec } from '@kubernetes/client-node'

export const tektonGroup = 'tekton.dev'
export const tektonVersion = 'v1'

/** A container of a build as a step says it. */
export interface Step {
  readonly name: string
  readonly [field: string]: unknown
}

/** A TaskRun (tekton.dev/v1), as far as it is written and read here. */
export interface TaskRun extends KubernetesObject {
  readonly metadata: V1ObjectMeta
  readonly spec: {
    readonly serviceAccountName?: string
    /** A duration of Go: `2700s`. */
    readonly timeout: string
    readonly podTemplate: Partial<V1PodSpec>
    readonly taskSpec: {
      readonly description: string
      readonly results: readonly { readonly name: string; readonly description: string }[]
      readonly steps: readonly Step[]
      readonly volumes: NonNullable<V1PodSpec['volumes']>
    }
  }
  readonly status?: TaskRunStatus
}

export interface TaskRunStatus {
  readonly podName?: string
  readonly results?: readonly { readonly name: string; readonly value: unknown }[]
  readonly conditions?: readonly {
    readonly type: string
    readonly status: string
    readonly reason?: string
    readonly message?: string
    readonly lastTransitionTime?: string
  }[]
}

/** The condition that says how it ended: `Unknown` while it has not. */
export const outcome = (run: Pick<TaskRun, 'status'> | undefined) =>
  run?.status?.conditions?.find(({ type }) => type === 'Succeeded')
