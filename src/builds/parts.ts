import {
  isEnded,
  jobName,
  type Build,
  type BuildState,
  type ImagePlan,
  type Step,
} from './build.ts'

/**
 * A build for several platforms has a Job for each, which pushes by digest and touches no tag, and
 * then one that joins the digests in an OCI index under all tags. Each of these is a part of the
 * build, named after its platform, or `index`. Any other build is one Job, and has no parts. Pure.
 */
export const indexPart = 'index'

/** Undefined: the only Job. */
export type Part = string | undefined

/** Those that are to be run now, side by side: the platforms without a digest, and the index after them. */
export function openParts({ plan, parts }: Pick<Build, 'plan' | 'parts'>): readonly Part[] {
  if (!plan.platforms) return [undefined]
  const open = plan.platforms.filter((name) => parts?.[name]?.digest === undefined)
  return open.length > 0 ? open : [indexPart]
}

/** Those that have a Job or had one. */
const begunParts = (build: Build): readonly Part[] =>
  [...(build.plan.platforms ?? [undefined]), indexPart].filter(
    (part) => partOf(build, part).tries > 0,
  )

/** Every Job that may be in the cluster for a build's present tries. */
export const jobsOf = (build: Build): readonly string[] =>
  begunParts(build).map((part) => jobName(build, partOf(build, part).tries, part))

/** A part as if it were a build of its own: what holds for a build's only Job holds for it. */
export function partOf(build: Build, part: Part): Build {
  if (part === undefined) return build
  const steps = build.steps.filter((step) => step.part === part)
  return {
    ...build,
    plan: partPlan(build.plan, part),
    steps,
    state: isEnded(build.state) ? build.state : stateOf(steps),
    tries: build.parts?.[part]?.tries ?? 0,
  }
}

/** What the Job of a part does: a platform's pushes to the repositories alone, without a tag. */
export function partPlan(plan: ImagePlan, part: Part): ImagePlan {
  if (part === undefined || part === indexPart) return plan
  const { platforms: _, ...rest } = plan
  const repositories = new Set(plan.destinations.map(repositoryOf))
  return { ...rest, platform: part, destinations: [...repositories] }
}

/** `registry/repository` of `registry/repository:tag`. */
export const repositoryOf = (destination: string): string =>
  destination.slice(0, destination.lastIndexOf(':'))

/** An end in words that name the platform, where they do not yet. */
export const naming = (part: Part, reason: string): string =>
  part === undefined || part === indexPart || reason.includes(part) ? reason : `${part}: ${reason}`

function stateOf(steps: readonly Step[]): BuildState {
  const last = steps.at(-1)
  if (!last) return 'waiting'
  return last.name === 'starting' ? 'starting' : 'running'
}
