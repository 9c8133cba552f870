import type { Repository } from '../builds/push-event.ts'
import type { Source } from '../builds/start-job.ts'
import { PermanentError } from '../errors.ts'
import type { ForgeClient, ForgeDriver, ForgeSettings } from './forge.ts'

/** The clients of the forges that are on, by name. */
export function clientsOf(
  drivers: readonly ForgeDriver[],
  settings: ReadonlyMap<string, ForgeSettings>,
): ReadonlyMap<string, ForgeClient> {
  const clients = drivers.flatMap((driver) => {
    const forge = settings.get(driver.name)
    return forge ? [[driver.name, driver.client(forge)] as const] : []
  })
  return new Map(clients)
}

/** Where a repository's source comes from: its forge. Throws PermanentError where that is not on any more. */
export function sourceOf(forges: ReadonlyMap<string, ForgeClient>): Source {
  const forge = ({ forge: name }: Repository): ForgeClient => {
    const client = forges.get(name)
    if (!client) throw new PermanentError(`The forge ${name} is not configured any more`)
    return client
  }
  return {
    cloneUrl: (repository) => forge(repository).cloneUrl(repository),
    credential: async (repository) => forge(repository).credential(repository),
  }
}
