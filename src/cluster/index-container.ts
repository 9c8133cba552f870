import type { V1Container } from '@kubernetes/client-node'
import type { Build } from '../builds/build.ts'
import { cloneRequests } from '../builds/refusals.ts'
import type { RegistrySettings } from '../settings/settings.ts'
import { indexScript } from './index-script.ts'
import { literal } from './literal.ts'
import { placesOf } from './places.ts'
import { leastRights } from './publish-container.ts'
import { pushLogin } from './registry-login.ts'

/** Joins what a build's platforms have pushed to one image under all tags; it holds the push login. */
export function indexContainer(
  { plan, parts }: Build,
  image: string,
  registries: readonly RegistrySettings[],
): V1Container {
  const login = pushLogin(plan)
  const digests = (plan.platforms ?? []).map((platform) => parts?.[platform]?.digest ?? '')
  return {
    name: 'publish',
    image,
    imagePullPolicy: 'IfNotPresent',
    command: ['sh', '-c', literal(indexScript), 'index'],
    args: [...digests, '--', ...placesOf(plan, registries)].map(literal),
    ...(login.env.length > 0 ? { env: login.env } : {}),
    volumeMounts: login.volumeMounts,
    resources: { requests: { ...cloneRequests } },
    terminationMessagePath: '/dev/termination-log',
    securityContext: leastRights,
  }
}
