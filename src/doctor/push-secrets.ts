import type { CoreV1Api } from '@kubernetes/client-node'
import { orAbsent, statusOf, within } from '../cluster/api-call.ts'
import {
  findLogin,
  hostOf,
  hubKey,
  isHub,
  readDockerConfig,
  type DockerConfig,
  type DockerLogin,
} from '../registry/docker-login.ts'
import { failure, fine, warning, type Remark } from '../remark.ts'
import { whyNot } from './cluster-access.ts'
import type { RegistryGroup } from './registry-targets.ts'

const answerMs = 5_000
const configKey = '.dockerconfigjson'

/** The logins that the Secrets of the build namespace hold. */
export interface PushSecrets {
  /**
   * The login that a Secret has for a repository, or what is wrong with the Secret. Builds may log in by the
   * group's ServiceAccount where it has one and the Secret holds no login.
   */
  login(secret: string, group: LoginGroup, repository: string): Promise<DockerLogin | Remark>
  /** Which registries a Secret has logins for, or what is wrong with it. `registry`: the one that is wanted. */
  held(secret: string, registry?: string): Promise<Remark>
  /** The command that makes such a Secret. */
  making(secret: string, registry: string): string
  /** Every password and token that was read so far. */
  readonly values: ReadonlySet<string>
}

type LoginGroup = Pick<RegistryGroup, 'host' | 'key' | 'serviceAccountName'>

/** What is wrong, with the command for the registry that it is about. */
type Fault = (registry: string) => Remark

/** Reads the push Secrets of a namespace, each once. */
export function createPushSecrets(api: CoreV1Api, namespace: string): PushSecrets {
  const configs = new Map<string, Promise<DockerConfig | Fault>>()
  const values = new Set<string>()
  const kubectl = `kubectl -n ${namespace}`
  const making = (secret: string, registry: string): string =>
    `${kubectl} create secret docker-registry ${secret} --docker-server=${serverOf(registry)} --docker-username=<user> --docker-password=<password>`
  // The type of a Secret cannot be changed. For one that holds nothing of use to anybody: others may share it.
  const remaking = (secret: string, registry: string): string =>
    `${kubectl} delete secret ${secret}, then ${making(secret, registry)}`

  async function load(name: string): Promise<DockerConfig | Fault> {
    try {
      const secret = await orAbsent(api.readNamespacedSecret({ name, namespace }, within(answerMs)))
      if (!secret) {
        return (host) => failure(`there is no Secret ${name} in ${namespace}`, making(name, host))
      }
      const encoded = secret.data?.[configKey]
      if (encoded === undefined) {
        const what = `the Secret ${name} (of the type ${secret.type ?? 'Opaque'}) has no ${configKey}`
        return (host) => failure(what, remaking(name, host))
      }
      const config = readDockerConfig(Buffer.from(encoded, 'base64').toString())
      if (!config) {
        const what = `the ${configKey} of the Secret ${name} is not Docker's JSON`
        return (host) => failure(what, remaking(name, host))
      }
      remember(config)
      return config
    } catch (error) {
      const why = statusOf(error) === 403 ? 'this account may not read it' : whyNot(error)
      return () => warning(`not checked: the Secret ${name} cannot be read: ${why}`)
    }
  }

  function read(secret: string): Promise<DockerConfig | Fault> {
    const loaded = configs.get(secret) ?? load(secret)
    configs.set(secret, loaded)
    return loaded
  }

  function remember({ auths }: DockerConfig): void {
    for (const { password, identityToken, registryToken } of auths.values()) {
      for (const value of [password, identityToken, registryToken]) if (value) values.add(value)
    }
  }

  function noLogin(
    config: DockerConfig,
    name: string,
    { host: registry, key }: LoginGroup,
  ): Remark {
    if (config.helpers.some((helper) => helper === '*' || helper === registry)) {
      return warning(
        `not checked: the Secret ${name} leaves the login to a credential helper of Kaniko's image`,
      )
    }
    const keys = [...config.auths.keys()]
    const adding = `add a login for ${serverOf(registry)} to it (docs/recipes.md: Two registries at once), or name another Secret as ${key}`
    const odd = isHub(registry) ? keys.find(isHubLike) : undefined
    if (odd !== undefined) {
      return failure(
        `the Secret ${name} holds its login under ${odd}, where none is looked for: Docker Hub's key is ${hubKey}`,
        keys.length + config.helpers.length > 1 ? adding : remaking(name, registry),
      )
    }
    const held = keys.length === 0 ? 'no login' : `logins for ${keys.join(', ')} alone`
    return failure(`the Secret ${name} holds ${held}`, adding)
  }

  return {
    values,
    making,
    async held(secret, registry = '<registry>') {
      const config = await read(secret)
      if (typeof config === 'function') return config(registry)
      const keys = [...config.auths.keys()]
      return keys.length > 0 || config.helpers.length > 0
        ? fine(`builds pull with its logins for ${[...keys, ...config.helpers].join(', ')}`)
        : failure(`the Secret ${secret} holds no login`, remaking(secret, registry))
    },
    async login(secret, group, repository) {
      const { host, serviceAccountName: account } = group
      const config = await read(secret)
      if (typeof config === 'function') return config(host)
      const login = findLogin(config, host, repository)
      if (login) return login
      return account === undefined ? noLogin(config, secret, group) : leftToAccount(account)
    },
  }
}

/** A login that only a build's pod can try. */
export const leftToAccount = (account: string): Remark =>
  warning(
    `not checked: builds log in as the ServiceAccount ${account}, which only their pods can; the first build shows it`,
  )

/** The key of a registry's login. */
const serverOf = (registry: string): string => (isHub(registry) ? hubKey : registry)

const isHubLike = (key: string): boolean => /(^|\.)docker\.(io|com)$/.test(hostOf(key))
