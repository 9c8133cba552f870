import { imagesOf, type Config, type ImageConfig } from '../settings/config.ts'
import { splitDestination } from '../settings/image-reference.ts'

/** The images that go to one registry with one login. */
export interface RegistryGroup {
  readonly host: string
  readonly secret: string | undefined
  /** The key of kanihook.yaml that names it. */
  readonly key: 'pushSecret' | 'pullSecret'
  /** By which a cloud may let a build's pod log in. */
  readonly serviceAccountName?: string | undefined
  /** Repositories in the registry that are known before a push, each once. */
  readonly names: readonly string[]
  /** Destinations that depend on the repository that is pushed to. */
  readonly templates: readonly string[]
  readonly insecure: boolean
  readonly skipTlsVerify: boolean
}

type Target = Pick<RegistryGroup, 'host' | 'secret' | 'key' | 'serviceAccountName'>

type Push = Pick<RegistryGroup, 'secret' | 'key'> & { readonly destination: string }

const pushes = ({ destinations, pushSecret }: ImageConfig): Push[] =>
  destinations.map((destination) => ({ destination, secret: pushSecret, key: 'pushSecret' }))

/** Layers are pushed by the build's own login; where that is the push login, it may push the image, too. */
function cachePushes({ publish, cache, destinations, pullSecret }: ImageConfig): Push[] {
  if (publish !== 'apart' || !cache.enabled) return []
  const destination = cache.repository ?? `${destinations[0]}/cache`
  return [{ destination, secret: pullSecret, key: 'pullSecret' }]
}

/** A Secret that builds pull with. */
export interface PullSecret {
  /** The key of kanihook.yaml that names it. */
  readonly key: 'pullSecret' | 'scan.database.secret'
  readonly name: string
  /** What it is the login of, where that is known: base images may be of any registry. */
  readonly registry?: string
}

/** The Secrets that builds pull images and the database of scans with, each once for each key. Pure. */
export function pullSecrets(config: Config): PullSecret[] {
  const found = new Map<string, PullSecret>()
  for (const { pullSecret, scan } of imagesOf(config)) {
    for (const each of [...ofImages(pullSecret), ...ofDatabase(scan?.database)]) {
      const id = `${each.key} ${each.name}`
      if (!found.has(id)) found.set(id, each)
    }
  }
  return [...found.values()]
}

const ofImages = (name: string | undefined): PullSecret[] =>
  name === undefined ? [] : [{ key: 'pullSecret', name }]

function ofDatabase(database: NonNullable<ImageConfig['scan']>['database']): PullSecret[] {
  const { secret: name, repository, javaRepository } = database ?? {}
  if (name === undefined) return []
  const place = repository ?? javaRepository
  const at = place === undefined ? {} : { registry: splitDestination(place).registry }
  return [{ key: 'scan.database.secret', name, ...at }]
}

/** What kanihook.yaml wants to push to, by registry and Secret. Pure. */
export function registryGroups(config: Config): RegistryGroup[] {
  const groups = new Map<string, Target & { all: Set<string> }>()
  for (const image of imagesOf(config)) {
    const { serviceAccountName } = image
    for (const { destination, ...login } of [...pushes(image), ...cachePushes(image)]) {
      const { registry: host, name } = splitDestination(destination)
      const id = [host, login.secret, login.key, serviceAccountName].join(' ')
      const group = groups.get(id) ?? { host, ...login, serviceAccountName, all: new Set() }
      groups.set(id, group)
      group.all.add(name)
    }
  }
  return [...groups.values()].map(({ all, ...target }) => {
    const settings = config.registries.find((registry) => registry.host === target.host)
    const names = [...all]
    return {
      ...target,
      names: names.filter((name) => !name.includes('{')),
      templates: names.filter((name) => name.includes('{')),
      insecure: settings?.insecure ?? false,
      skipTlsVerify: settings?.skipTlsVerify ?? false,
    }
  })
}
