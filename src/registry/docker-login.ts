import { z } from 'zod'

/** A login as a Docker `config.json` holds it. */
export interface DockerLogin {
  readonly username: string
  readonly password: string
  /** A refresh token in place of a password. */
  readonly identityToken: string | undefined
  /** A token that the registry itself takes. */
  readonly registryToken: string | undefined
}

export interface DockerConfig {
  /** By the registry's name, as it is written. */
  readonly auths: ReadonlyMap<string, DockerLogin>
  /** Hosts whose login a program gives, `*` for all others. */
  readonly helpers: readonly string[]
}

const text = z.string().default('')
const schema = z.object({
  auths: z
    .record(
      z.string(),
      z.object({
        auth: text,
        username: text,
        password: text,
        identitytoken: text,
        registrytoken: text,
      }),
    )
    .default({}),
  credHelpers: z.record(z.string(), z.string()).default({}),
  credsStore: text,
})

/** Reads the text of a `config.json`; undefined where it is none. */
export function readDockerConfig(config: string): DockerConfig | undefined {
  let value: unknown
  try {
    value = JSON.parse(config)
  } catch {
    return undefined
  }
  const { success, data } = schema.safeParse(value)
  if (!success) return undefined
  const auths = Object.entries(data.auths).map(([host, entry]) => {
    // `auth` is base64 of `user:password`, and is what counts where both are there.
    const [user = '', ...rest] = Buffer.from(entry.auth, 'base64').toString().split(':')
    const login: DockerLogin = {
      username: entry.auth === '' ? entry.username : user,
      password: entry.auth === '' ? entry.password : rest.join(':'),
      identityToken: entry.identitytoken || undefined,
      registryToken: entry.registrytoken || undefined,
    }
    return [host, login] as const
  })
  const helpers = [...Object.keys(data.credHelpers), ...(data.credsStore === '' ? [] : ['*'])]
  return { auths: new Map(auths), helpers }
}

/** Docker Hub's names, and the one key that its login is looked up by. */
const hubNames: ReadonlySet<string> = new Set(['docker.io', 'index.docker.io'])
export const hubKey = 'https://index.docker.io/v1/'

/** Whether the registry is Docker Hub. */
export const isHub = (registry: string): boolean => hubNames.has(registry)

/**
 * The login that Kaniko finds for a repository: that of the repository, else of its host, whatever
 * scheme and path its key has; for Docker Hub that of its one key alone (go-containerregistry's keychain).
 */
export function findLogin(
  { auths }: DockerConfig,
  registry: string,
  name: string,
): DockerLogin | undefined {
  if (isHub(registry)) return auths.get(`index.docker.io/${name}`) ?? auths.get(hubKey)
  const byName = auths.get(`${registry}/${name}`) ?? auths.get(registry)
  return byName ?? [...auths].find(([key]) => hostOf(key) === registry)?.[1]
}

/** `https://registry.acme.io/v1/` → `registry.acme.io` */
export const hostOf = (key: string): string => key.replace(/^https?:\/\//, '').split('/')[0] ?? ''
