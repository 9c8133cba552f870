import type { V1Container } from '@kubernetes/client-node'
import type { ImagePlan } from '../builds/build.ts'
import { cloneRequests } from '../builds/refusals.ts'
import type { RegistrySettings } from '../settings/settings.ts'
import { literal } from './literal.ts'
import { imageFolder } from './paths.ts'
import { placesOf } from './places.ts'
import { publishScript } from './publish-script.ts'
import { pushLogin } from './registry-login.ts'

/** Pushes what Kaniko left in the image's folder; the only container that holds the push login. */
export function publishContainer(
  plan: ImagePlan,
  image: string,
  registries: readonly RegistrySettings[],
): V1Container {
  const login = pushLogin(plan)
  return {
    name: 'publish',
    image,
    imagePullPolicy: 'IfNotPresent',
    command: ['sh', '-c', literal(publishScript), 'publish'],
    args: [imageFolder, ...placesOf(plan, registries)].map(literal),
    ...(login.env.length > 0 ? { env: login.env } : {}),
    volumeMounts: [
      { name: 'image', mountPath: imageFolder, readOnly: true },
      ...login.volumeMounts,
    ],
    resources: { requests: { ...cloneRequests } },
    terminationMessagePath: '/dev/termination-log',
    securityContext: leastRights,
  }
}

/**
 * Of a container that only reads the image and talks to the network. The image's files are Kaniko's, some
 * for root's eyes alone, so it is root without any capability.
 */
export const leastRights: NonNullable<V1Container['securityContext']> = {
  runAsUser: 0,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
}
