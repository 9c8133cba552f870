import type { V1Secret } from '@kubernetes/client-node'
import { z } from 'zod'
import type { SecretKey } from '../builds/build.ts'
import type { BuildSecrets, SecretValues } from '../builds/ports.ts'
import { basicSecret, sshSecret } from './clone-login.ts'
import { secretReader, type SecretReaderOptions } from './read-secret.ts'

/** Shorter ones would black out ordinary words. */
const shortest = 6

/**
 * Reads what a build could print: its registry logins and the values of its build arguments. A missing
 * login is an empty list, for it may come while the pod waits for it. Throws RetryLater when the API
 * does not answer.
 */
export function createSecretValues(options: SecretReaderOptions): SecretValues {
  const read = secretReader(options)

  return {
    async of({
      plan: { namespace, pushSecret, pullSecret, cloneSecret, scan, secretBuildArgs = {} },
    }) {
      const names = new Set(Object.values(secretBuildArgs).map(({ secret }) => secret))
      const registries = [pushSecret, pullSecret, scan?.database?.secret].filter(
        (name) => name !== undefined,
      )
      for (const name of [...registries, cloneSecret]) if (name !== undefined) names.add(name)
      const found = await Promise.all(
        [...names].map(async (name) => [name, decoded(await read(name, namespace))] as const),
      )
      const secrets = new Map(found)
      const clone = cloneSecret === undefined ? undefined : secrets.get(cloneSecret)
      const logins = [
        ...registries.flatMap((name) =>
          loginValues(secrets.get(name)?.['.dockerconfigjson'] ?? ''),
        ),
        ...cloneValues(clone ?? {}),
      ]
      return withArguments(logins, secretBuildArgs, secrets)
    },
  }
}

type SecretData = Readonly<Record<string, string>>

const decoded = (secret: V1Secret | undefined): SecretData | undefined =>
  secret &&
  Object.fromEntries(
    Object.entries(secret.data ?? {}).map(([key, text]) => [
      key,
      Buffer.from(text, 'base64').toString(),
    ]),
  )

/** Adds the values of build arguments, or says which of them is not there. */
export function withArguments(
  login: readonly string[],
  secretBuildArgs: Readonly<Record<string, SecretKey>>,
  secrets: ReadonlyMap<string, SecretData | undefined>,
): BuildSecrets {
  const values = [...login]
  const missing: string[] = []
  for (const [name, { secret, key }] of Object.entries(secretBuildArgs)) {
    const data = secrets.get(secret)
    const value = data?.[key]
    if (value !== undefined) values.push(...maskable(value))
    else if (data) missing.push(`Secret ${secret} has no key ${key} (buildArgs.${name}): add it`)
    else
      missing.push(
        `There is no Secret ${secret} (buildArgs.${name}): make it in the build namespace`,
      )
  }
  return { values, ...(missing[0] === undefined ? {} : { missing: missing[0] }) }
}

/** The secret values in a `cloneSecret`. */
export const cloneValues = (data: SecretData): string[] =>
  [sshSecret.key, basicSecret.password].flatMap((key) => maskable(data[key] ?? ''))

/** A log has lines, so a value of several is looked for line by line. */
const maskable = (value: string): string[] =>
  [value, ...value.split('\n')].map((text) => text.trim()).filter((text) => text.length >= shortest)

/** The secret values in a Docker `config.json`: passwords, tokens, and `auth` as it stands. */
export function loginValues(config: string): string[] {
  const texts = loginsOf(config).flatMap(({ auth, password, identitytoken, registrytoken }) => {
    // `auth` is base64 of `user:password`.
    const [, ...rest] = Buffer.from(auth ?? '', 'base64')
      .toString()
      .split(':')
    return [auth, password, identitytoken, registrytoken, rest.join(':')]
  })
  return [...new Set(texts)].filter((text) => text !== undefined && text.length >= shortest)
}

const login = z.object({
  auth: z.string().default(''),
  password: z.string().default(''),
  identitytoken: z.string().default(''),
  registrytoken: z.string().default(''),
})

const dockerConfig = z.object({ auths: z.record(z.string(), login) })

function loginsOf(config: string): z.infer<typeof login>[] {
  try {
    return Object.values(dockerConfig.parse(JSON.parse(config)).auths)
  } catch {
    return []
  }
}
