import type {
  V1ConfigMap,
  V1DeploymentSpec,
  V1IngressSpec,
  V1PersistentVolumeClaimSpec,
  V1PodDisruptionBudgetSpec,
  V1Role,
  V1RoleBinding,
  V1LimitRangeSpec,
  V1ResourceQuotaSpec,
  V1Secret,
  V1ServiceSpec,
  V2HorizontalPodAutoscalerSpec,
} from '@kubernetes/client-node'

import type { Step } from '../../src/cluster/tekton/task-run.ts'

/** As far as every object of Kubernetes goes. */
export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
}

type Fields<T, K extends keyof T> = KubernetesObject & Pick<T, K>
type WithSpec<T> = KubernetesObject & { readonly spec: T }

/** What the tests look at in each kind. */
export interface Kinds {
  ClusterRole: KubernetesObject
  ClusterRoleBinding: KubernetesObject
  ConfigMap: Fields<V1ConfigMap, 'data'>
  Deployment: WithSpec<V1DeploymentSpec>
  HorizontalPodAutoscaler: WithSpec<V2HorizontalPodAutoscalerSpec>
  HTTPRoute: WithSpec<object>
  Ingress: WithSpec<V1IngressSpec>
  LimitRange: WithSpec<V1LimitRangeSpec>
  Namespace: KubernetesObject
  NetworkPolicy: WithSpec<PolicySpec>
  Pipeline: WithSpec<object>
  PersistentVolumeClaim: WithSpec<V1PersistentVolumeClaimSpec>
  PodDisruptionBudget: WithSpec<V1PodDisruptionBudgetSpec>
  ResourceQuota: WithSpec<V1ResourceQuotaSpec>
  Role: Fields<V1Role, 'rules'>
  RoleBinding: Fields<V1RoleBinding, 'subjects'>
  ScaledObject: WithSpec<ScaledObjectSpec>
  Secret: Fields<V1Secret, 'data' | 'stringData' | 'type'>
  Service: WithSpec<V1ServiceSpec>
  ServiceAccount: KubernetesObject
  ServiceMonitor: WithSpec<ServiceMonitorSpec>
  Task: WithSpec<TaskSpec>
}

/** A NetworkPolicy as it is written. */
export interface PolicySpec {
  readonly podSelector: Selector
  readonly policyTypes: readonly string[]
  readonly ingress?: readonly Rule[]
  readonly egress?: readonly Rule[]
}

export interface Rule {
  readonly ports?: readonly { readonly protocol: string; readonly port: number }[]
  readonly from?: readonly Peer[]
  readonly to?: readonly Peer[]
}

export interface Peer {
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] }
  readonly podSelector?: Selector
  readonly namespaceSelector?: Selector
}

interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>
}

/** As far as a Task of Tekton is that of a build. */
export interface TaskSpec {
  readonly steps: readonly Step[]
  readonly volumes: readonly object[]
}

interface ScaledObjectSpec {
  readonly scaleTargetRef: { readonly name: string }
  readonly minReplicaCount: number
  readonly maxReplicaCount: number
  readonly triggers: readonly {
    readonly type: string
    readonly metadata: Readonly<Record<string, string>>
  }[]
}

interface ServiceMonitorSpec {
  readonly selector: Selector
  readonly endpoints: readonly { readonly port: string; readonly path: string }[]
}
