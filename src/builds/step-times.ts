import type { Build } from './build.ts'

/**
 * Where the time of a build went: each step until the next one of its part of the build, the last one
 * until the end or now. What a platform has pushed takes no time.
 */
export function stepTimes(build: Build, now: number): readonly { ms: number; open: boolean }[] {
  return build.steps.map(({ name, at, part }, index) => {
    if (name === 'pushed') return { ms: 0, open: false }
    const later = build.steps.slice(index + 1)
    const next = later.find((step) => part === undefined || step.part === part)?.at ?? build.endedAt
    return { ms: (next ?? now) - at, open: next === undefined }
  })
}
