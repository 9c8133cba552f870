import type { ImagePlan } from './build.ts'
import { operator, passing, type Failure } from './failure.ts'

/** The login of a container, and what it is for. */
export interface RegistryLogin {
  readonly secret: string | undefined
  /** The key of kanihook.yaml that names the Secret. */
  readonly key: 'pushSecret' | 'pullSecret'
  /** Where it pushes: destinations, or the repository of the cache. */
  readonly places: readonly string[]
}

export const pushLogin = ({ pushSecret, destinations }: ImagePlan): RegistryLogin => ({
  secret: pushSecret,
  key: 'pushSecret',
  places: destinations,
})

/** Kaniko's: where others push the image, it pushes nothing but layers of the cache. */
export const kanikoLogin = (plan: ImagePlan): RegistryLogin =>
  plan.publish === 'apart'
    ? { secret: plan.pullSecret, key: 'pullSecret', places: [plan.cache.repository] }
    : pushLogin(plan)

const hubKey = 'https://index.docker.io/v1/'

/** Where the login of a registry is to be, for Docker Hub with the one key that Kaniko looks for. */
export function loginPlace({ secret, key, places }: RegistryLogin): string {
  if (secret === undefined) return `a Secret, and name it as ${key}`
  const hub = places.some((place) => /^(index\.)?docker\.io\//.test(place))
  return hub ? `Secret ${secret} (its key for Docker Hub is ${hubKey})` : `Secret ${secret}`
}

const registries = ({ places }: RegistryLogin): string =>
  [...new Set(places.map((place) => place.split('/')[0]))].join(', ')

export const refusedLogin = (login: RegistryLogin): Failure =>
  operator(
    `Registry ${registries(login)} refused the login for ${login.key === 'pushSecret' ? 'push' : 'the cache'}: check ${loginPlace(login)}`,
  )

/** A login may be right and lack the right; some registries say the same of a wrong one. */
export const denied = (place: string, login: RegistryLogin): Failure =>
  operator(`Push to ${place} denied: is a login that may write there in ${loginPlace(login)}?`)

export const silent = (login: RegistryLogin, why: string): Failure =>
  passing(`Registry ${registries(login)} does not answer: ${why}`)

export const untrusted = (host: string, why: string): Failure =>
  operator(
    `TLS certificate of ${host} refused (${why.trim()}): set skipTlsVerify under registries, or trust it`,
  )

export const immutableTag = (tag: string): Failure =>
  operator(
    `Tag ${tag} exists and is immutable: use tags that are new for each commit, such as {shortSha}`,
  )
