import type { V1Container } from '@kubernetes/client-node'
import type { JobRequest } from '../builds/ports.ts'
import { cloneRequests } from '../builds/refusals.ts'
import { fetchSecurity } from './clone-container.ts'
import { literal } from './literal.ts'
import { archiveFile, contextFolder } from './paths.ts'
import { uploadScript } from './upload-script.ts'

/** In the place of the clone: fetches the archive from the process of kanihook that holds it. */
export function uploadContainer(request: JobRequest, job: string, image: string): V1Container {
  return {
    name: 'clone',
    image,
    imagePullPolicy: 'IfNotPresent',
    command: ['sh', '-c', literal(uploadScript), 'upload'],
    args: [request.cloneUrl, archiveFile, request.build.sha].map(literal),
    workingDir: contextFolder,
    env: [
      { name: 'HOME', value: '/tmp' },
      {
        name: 'UPLOAD_TOKEN',
        valueFrom: { secretKeyRef: { name: job, key: 'GIT_PASSWORD' } },
      },
    ],
    volumeMounts: [
      { name: 'context', mountPath: contextFolder },
      { name: 'tmp', mountPath: '/tmp' },
    ],
    resources: { requests: { ...cloneRequests } },
    securityContext: fetchSecurity,
  }
}
