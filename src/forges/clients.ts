import { createHash } from 'node:crypto'
import type { GitCredential, SshKey } from '../builds/ports.ts'
import type { Source } from '../builds/start-job.ts'
import { PermanentError } from '../errors.ts'
import type { Budget } from './api.ts'
import type { ForgeClient, ForgeDriver, ForgeSettings } from './forge.ts'

/** The budget of a forge's credential, which a digest stands for: another token has another budget. */
export type BudgetOf = (forge: string, credential: string) => Budget

const digest = ({ apiUrl, login }: ForgeSettings): string =>
  createHash('sha256')
    .update(JSON.stringify([apiUrl, login && ('token' in login ? login.token : login.appId)]))
    .digest('hex')
    .slice(0, 16)

/** The clients of the forges that are on, by name. */
export function clientsOf(
  drivers: readonly ForgeDriver[],
  settings: ReadonlyMap<string, ForgeSettings>,
  budgetOf?: BudgetOf,
): ReadonlyMap<string, ForgeClient> {
  const clients = drivers.flatMap((driver) => {
    const forge = settings.get(driver.name)
    if (!forge) return []
    const budget = budgetOf?.(driver.name, digest(forge))
    return [[driver.name, driver.client(forge, budget)] as const]
  })
  return new Map(clients)
}

/** Reads the login in a Secret of a namespace, the build namespace unless said. Throws as `Source.access`. */
export type ReadCloneLogin = (
  secret: string,
  namespace: string | undefined,
) => Promise<GitCredential | SshKey>

/** Where a repository's source comes from: its forge. Throws PermanentError where that is not on any more. */
export function sourceOf(
  forges: ReadonlyMap<string, ForgeClient>,
  readLogin: ReadCloneLogin,
): Source {
  return {
    async access(repository, cloneSecret, namespace) {
      const client = forges.get(repository.forge)
      if (!client)
        throw new PermanentError(`The forge ${repository.forge} is not configured any more`)
      const login =
        cloneSecret === undefined
          ? await client.credential(repository)
          : await readLogin(cloneSecret, namespace)
      const [byHttp, bySsh] = [client.cloneUrl(repository), client.sshUrl(repository)]
      return 'privateKey' in login
        ? { url: bySsh, otherUrl: byHttp, login }
        : { url: byHttp, otherUrl: bySsh, login }
    },
  }
}
