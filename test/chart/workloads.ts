import type { V1Container, V1DeploymentSpec, V1PodSpec } from '@kubernetes/client-node'
import type { KubernetesObject } from './kinds.ts'
import type { Rendered } from './render.ts'

export interface Workload {
  readonly name: string
  readonly spec: V1DeploymentSpec
  readonly labels: Readonly<Record<string, string>>
  readonly pod: V1PodSpec
  /** Its only container. */
  readonly container: V1Container
}

/** Deployments by name. */
export function workloads(rendered: Rendered): ReadonlyMap<string, Workload> {
  const deployments = rendered.all('Deployment')
  return new Map(
    deployments.map(({ metadata: { name }, spec }) => {
      const pod = spec.template.spec
      const [container, ...more] = pod?.containers ?? []
      if (!pod || !container || more.length > 0) throw new Error(`${name} has not one container`)
      return [name, { name, spec, labels: spec.template.metadata?.labels ?? {}, pod, container }]
    }),
  )
}

/** One of them; throws where there is none. */
export function workload(rendered: Rendered, name: string): Workload {
  const found = workloads(rendered).get(name)
  if (!found) throw new Error(`there is no Deployment called ${name}`)
  return found
}

/** Variables that are said in the manifest itself. */
export const environmentOf = ({ container }: Workload): Record<string, string> =>
  Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value ?? '']))

/** Files with secrets in a pod: path → what Secret and key it is. */
export function secretFiles({ pod, container }: Workload): ReadonlyMap<string, string> {
  const folder = container.volumeMounts?.find(({ name }) => name === 'secrets')?.mountPath
  const sources = pod.volumes?.find(({ name }) => name === 'secrets')?.projected?.sources ?? []
  return new Map(
    sources.flatMap(({ secret }) =>
      (secret?.items ?? []).map(
        ({ key, path }) => [`${folder}/${path}`, `${secret?.name}/${key}`] as const,
      ),
    ),
  )
}

/** What a Secret of the chart holds under a key; undefined where the chart does not make it. */
export function secretValue(rendered: Rendered, reference: string): string | undefined {
  const [name = '', key = ''] = reference.split('/')
  const made = rendered.all('Secret').find((each) => each.metadata.name === name)
  const encoded = made?.data?.[key]
  return encoded === undefined
    ? made?.stringData?.[key]
    : Buffer.from(encoded, 'base64').toString('utf8')
}

/** Whether a selector takes something with these labels. An empty one takes everything. */
export const selects = (
  selector: Readonly<Record<string, string>> | undefined,
  labels: Readonly<Record<string, string>>,
): boolean => Object.entries(selector ?? {}).every(([key, value]) => labels[key] === value)

/** Names of the Deployments whose pods a selector takes. */
export const selected = (
  rendered: Rendered,
  selector: Readonly<Record<string, string>> | undefined,
): string[] =>
  [...workloads(rendered).values()]
    .filter(({ labels }) => selects(selector, labels))
    .map(({ name }) => name)
    .toSorted()

export const namesOf = (objects: readonly KubernetesObject[]): string[] =>
  objects.map(({ metadata }) => metadata.name).toSorted()
