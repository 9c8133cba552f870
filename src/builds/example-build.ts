import { buildId, type Build, type BuildIdentity, type ImagePlan } from './build.ts'

export interface ExampleOptions {
  readonly identity: Omit<BuildIdentity, 'generation' | 'attempt'>
  readonly plan: ImagePlan
  readonly cause: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** A build as it is when its first Job is made, had it the first generation of its ref. No record of it is kept. */
export function exampleBuild({ identity, plan, cause, now }: ExampleOptions): Build {
  const first = { ...identity, generation: 1, attempt: 1 }
  return {
    ...first,
    id: buildId(first),
    plan,
    cause,
    state: 'starting',
    createdAt: now,
    endedAt: undefined,
    steps: [],
    outcome: undefined,
    tries: 1,
    stop: undefined,
    protected: false,
  }
}
