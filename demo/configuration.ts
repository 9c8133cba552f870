import { stringify } from 'yaml'
import type { Surroundings } from './surroundings/surroundings.ts'

/** The image's name in kanihook.yaml, and so the end of the status context. */
export const imageName = 'hello'

export interface Addresses {
  readonly port: number
  readonly adminPort: number
  readonly redisUrl: string
  readonly configFile: string
}

/** kanihook.yaml for the demo's one repository. */
export function kanihookYaml(around: Surroundings, pushSecret: string | undefined): string {
  const { forge, registry } = around
  // Of the top-level domain that never exists (RFC 2606): nothing simulated may look real.
  const host = registry?.host ?? 'simulated.invalid'
  return stringify({
    ...(registry ? { registries: [{ host, insecure: true }] } : {}),
    repositories: [
      {
        match: `${new URL(forge.url).host}/${forge.repository}`,
        branches: ['**'],
        tags: ['v*'],
        images: [
          {
            name: imageName,
            destination: `${host}/${forge.repository}`,
            ...(pushSecret === undefined ? {} : { pushSecret }),
          },
        ],
      },
    ],
  })
}

/** kanihook's whole environment: nothing of this machine's settings comes along. */
export function kanihookEnvironment(
  around: Surroundings,
  { port, adminPort, redisUrl, configFile }: Addresses,
): NodeJS.ProcessEnv {
  const { forge, kubeconfig, namespace, kanikoImage, cloneImage } = around
  return {
    PATH: process.env['PATH'],
    HOST: '127.0.0.1',
    PORT: `${port}`,
    ADMIN_HOST: '127.0.0.1',
    ADMIN_PORT: `${adminPort}`,
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    REDIS_URL: redisUrl,
    KANIHOOK_CONFIG: configFile,
    GITEA_URL: forge.url,
    GITEA_API_URL: forge.apiUrl,
    GITEA_TOKEN: forge.token,
    GITEA_WEBHOOK_SECRETS: forge.webhookSecret,
    KUBECONFIG: kubeconfig,
    BUILD_NAMESPACE: namespace,
    KANIKO_IMAGE: kanikoImage,
    CLONE_IMAGE: cloneImage,
    SHUTDOWN_TIMEOUT: '10s',
  }
}
