import type { BuildPlan } from './build.ts'
import type { Repository } from './push-event.ts'

/** A repository as sentences name it. */
export const nameOf = ({ host, path }: Repository): string => `${host}/${path}`

export const where = ({ repository }: BuildPlan): string => nameOf(repository)

/** Whose rights to look at. */
export const loginOf = ({ plan: { cloneSecret } }: BuildPlan): string =>
  cloneSecret === undefined ? 'the forge token' : `Secret ${cloneSecret}`
