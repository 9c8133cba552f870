import { CoreV1Api, type KubeConfig } from '@kubernetes/client-node'
import { z } from 'zod'
import type { SecretValues } from '../builds/ports.ts'
import { orAbsent, unanswered, within } from './api-call.ts'

/** Shorter ones would black out ordinary words. */
const shortest = 6

/**
 * Reads what a build could print of its registry login. A missing or unreadable login is an empty
 * list: the build will say itself what is wrong. Throws RetryLater when the API does not answer.
 */
export function createSecretValues(options: {
  readonly kubeConfig: KubeConfig
  readonly namespace: string
  readonly requestTimeoutMs?: number
}): SecretValues {
  const { kubeConfig, namespace, requestTimeoutMs = 10_000 } = options
  const api = kubeConfig.makeApiClient(CoreV1Api)
  return {
    async of({ plan }) {
      const name = plan.pushSecret
      if (name === undefined) return []
      try {
        const read = api.readNamespacedSecret({ name, namespace }, within(requestTimeoutMs))
        const encoded = (await orAbsent(read))?.data?.['.dockerconfigjson'] ?? ''
        return loginValues(Buffer.from(encoded, 'base64').toString())
      } catch (error) {
        throw unanswered(`Secret ${name} cannot be read`, error)
      }
    },
  }
}

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
