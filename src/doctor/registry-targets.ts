import type { Config } from '../settings/config.ts'
import { splitDestination } from '../settings/image-reference.ts'

/** The images that go to one registry with one login. */
export interface RegistryGroup {
  readonly host: string
  readonly pushSecret: string | undefined
  /** By which a cloud may let a build's pod log in. */
  readonly serviceAccountName?: string | undefined
  /** Repositories in the registry that are known before a push, each once. */
  readonly names: readonly string[]
  /** Destinations that depend on the repository that is pushed to. */
  readonly templates: readonly string[]
  readonly insecure: boolean
  readonly skipTlsVerify: boolean
}

type Target = Pick<RegistryGroup, 'host' | 'pushSecret' | 'serviceAccountName'>

/** What kanihook.yaml wants to push to, by registry and Secret. Pure. */
export function registryGroups({ entries, registries }: Config): RegistryGroup[] {
  const groups = new Map<string, Target & { all: Set<string> }>()
  for (const image of entries.flatMap((entry) => entry.images)) {
    const { destinations, pushSecret, serviceAccountName } = image
    for (const { registry: host, name } of destinations.map(splitDestination)) {
      const key = [host, pushSecret, serviceAccountName].join(' ')
      const group = groups.get(key) ?? { host, pushSecret, serviceAccountName, all: new Set() }
      groups.set(key, group)
      group.all.add(name)
    }
  }
  return [...groups.values()].map(({ all, ...target }) => {
    const settings = registries.find((registry) => registry.host === target.host)
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
