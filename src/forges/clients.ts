import type { GitCredential, SshKey } from '../builds/ports.ts'
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

/** Reads the login in a Secret of the build namespace. Throws as `Source.access`. */
export type ReadCloneLogin = (secret: string) => Promise<GitCredential | SshKey>

/** Where a repository's source comes from: its forge. Throws PermanentError where that is not on any more. */
export function sourceOf(
  forges: ReadonlyMap<string, ForgeClient>,
  readLogin: ReadCloneLogin,
): Source {
  return {
    async access(repository, cloneSecret) {
      const client = forges.get(repository.forge)
      if (!client)
        throw new PermanentError(`The forge ${repository.forge} is not configured any more`)
      const login =
        cloneSecret === undefined
          ? await client.credential(repository)
          : await readLogin(cloneSecret)
      const [byHttp, bySsh] = [client.cloneUrl(repository), client.sshUrl(repository)]
      return 'privateKey' in login
        ? { url: bySsh, otherUrl: byHttp, login }
        : { url: byHttp, otherUrl: bySsh, login }
    },
  }
}
