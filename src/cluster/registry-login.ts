import type { V1Container, V1EnvVar, V1Volume } from '@kubernetes/client-node'
import type { ImagePlan } from '../builds/build.ts'
import { dockerFolder } from './paths.ts'

/** A login of one container: a dockerconfigjson Secret, as a file that Kaniko and crane look for. */
export interface RegistryLogin {
  readonly volumes: V1Volume[]
  readonly volumeMounts: NonNullable<V1Container['volumeMounts']>
  readonly env: V1EnvVar[]
}

/** Of Kaniko's container: RUN steps can read it, so it holds none for pushes where others push. */
export const buildLogin = ({ publish, pushSecret, pullSecret }: ImagePlan): RegistryLogin =>
  registryLogin('registry-login', publish === 'apart' ? pullSecret : pushSecret)

export const pushLogin = ({ pushSecret }: ImagePlan): RegistryLogin =>
  registryLogin('push-login', pushSecret)

export const databaseLogin = ({ scan }: ImagePlan): RegistryLogin =>
  registryLogin('database-login', scan?.database?.secret)

function registryLogin(name: string, secretName: string | undefined): RegistryLogin {
  if (secretName === undefined) return { volumes: [], volumeMounts: [], env: [] }
  const items = [{ key: '.dockerconfigjson', path: 'config.json' }]
  return {
    volumes: [{ name, secret: { secretName, items } }],
    volumeMounts: [{ name, mountPath: dockerFolder, readOnly: true }],
    env: [{ name: 'DOCKER_CONFIG', value: dockerFolder }],
  }
}
