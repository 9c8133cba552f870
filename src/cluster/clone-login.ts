import type { V1Secret } from '@kubernetes/client-node'
import type { GitCredential, SshKey } from '../builds/ports.ts'
import { PermanentError } from '../errors.ts'
import type { ReadCloneLogin } from '../forges/clients.ts'
import { secretReader, type SecretReaderOptions } from './read-secret.ts'

/** Keys of these types of Secrets, and the type's name (https://kubernetes.io/docs/concepts/configuration/secret/). */
export const sshSecret = {
  type: 'kubernetes.io/ssh-auth',
  key: 'ssh-privatekey',
  hosts: 'known_hosts',
} as const
export const basicSecret = {
  type: 'kubernetes.io/basic-auth',
  username: 'username',
  password: 'password',
} as const

/** Reads the Secrets that entries name as `cloneSecret`, each time anew. */
export function createCloneLogins(options: SecretReaderOptions): ReadCloneLogin {
  const read = secretReader(options)
  return async (name, namespace) => readCloneLogin(name, await read(name, namespace))
}

/** The login in a Secret, by its type. Throws PermanentError where it holds none. Pure. */
export function readCloneLogin(
  name: string,
  secret: Pick<V1Secret, 'type' | 'data'> | undefined,
): GitCredential | SshKey {
  if (!secret) {
    throw new PermanentError(
      `There is no Secret ${name} (cloneSecret): make it in the build namespace`,
    )
  }
  const { type, data = {} } = secret
  const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString()
  const missing = (keys: readonly string[]): string | undefined =>
    keys.find((key) => text(key).trim() === '')

  if (type === sshSecret.type) {
    const { key, hosts } = sshSecret
    const [privateKey, knownHosts] = [text(key), text(hosts)]
    if (missing([key])) throw new PermanentError(keyless(name, key))
    if (missing([hosts])) {
      throw new PermanentError(
        `Secret ${name} has no key known_hosts: add the output of ssh-keyscan, after comparing fingerprints with the forge's`,
      )
    }
    return { privateKey, knownHosts }
  }
  if (type === basicSecret.type) {
    const absent = missing([basicSecret.username, basicSecret.password])
    if (absent) throw new PermanentError(keyless(name, absent))
    return { username: text(basicSecret.username), password: text(basicSecret.password) }
  }
  throw new PermanentError(
    `Secret ${name} is of the type ${type ?? 'Opaque'}: a cloneSecret is kubernetes.io/ssh-auth or kubernetes.io/basic-auth`,
  )
}

const keyless = (name: string, key: string): string =>
  `Secret ${name} has no key ${key} (cloneSecret): add it`
