import type { Config } from '../settings/config.ts'
import { splitDestination } from '../settings/image-reference.ts'

/** The images that go to one registry with one login. */
export interface RegistryGroup {
  readonly host: string
  readonly pushSecret: string | undefined
  /** Repositories in the registry that are known before a push, each once. */
  readonly names: readonly string[]
  /** Destinations that depend on the repository that is pushed to. */
  readonly templates: readonly string[]
  readonly insecure: boolean
  readonly skipTlsVerify: boolean
}

/** What kanihook.yaml wants to push to, by registry and Secret. Pure. */
export function registryGroups({ entries, registries }: Config): RegistryGroup[] {
  const groups = new Map<
    string,
    { host: string; pushSecret: string | undefined; all: Set<string> }
  >()
  for (const { destination, pushSecret } of entries.flatMap((entry) => entry.images)) {
    const { registry: host, name } = splitDestination(destination)
    const key = `${host} ${pushSecret ?? ''}`
    const group = groups.get(key) ?? { host, pushSecret, all: new Set() }
    groups.set(key, group)
    group.all.add(name)
  }
  return [...groups.values()].map(({ host, pushSecret, all }) => {
    const settings = registries.find((registry) => registry.host === host)
    const names = [...all]
    return {
      host,
      pushSecret,
      names: names.filter((name) => !name.includes('{')),
      templates: names.filter((name) => name.includes('{')),
      insecure: settings?.insecure ?? false,
      skipTlsVerify: settings?.skipTlsVerify ?? false,
    }
  })
}
