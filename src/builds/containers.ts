import type { ImagePlan } from './build.ts'

/** The containers that a build's pod may have, in the order in which they run. */
export const containerNames = ['clone', 'build', 'scan', 'publish'] as const

/**
 * `clone` fetches the commit, `build` is Kaniko, `scan` looks for vulnerabilities in what was built,
 * `publish` pushes it where Kaniko does not.
 */
export type ContainerName = (typeof containerNames)[number]

/** The container whose good end says that the image is pushed. */
export const pushingContainer = ({ publish }: Pick<ImagePlan, 'publish'>): ContainerName =>
  publish === 'apart' ? 'publish' : 'build'

/** What the pod is at while a container runs. */
export const phaseOf = {
  clone: 'cloning',
  build: 'building',
  scan: 'scanning',
  publish: 'publishing',
} as const satisfies Record<ContainerName, string>

export type ContainerPhase = (typeof phaseOf)[ContainerName]

/**
 * The steps of a build, in order; it has those of the containers that its pod has. `pushed`: one of
 * several platforms is done.
 */
export const stepNames = ['queued', 'starting', ...Object.values(phaseOf), 'pushed'] as const

export type StepName = (typeof stepNames)[number]
