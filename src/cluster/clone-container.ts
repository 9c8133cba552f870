import type { V1Container, V1SecurityContext } from '@kubernetes/client-node'
import type { JobRequest } from '../builds/ports.ts'
import { isPullRequest } from '../builds/push-event.ts'
import { cloneRequests } from '../builds/refusals.ts'
import { PermanentError } from '../errors.ts'
import { cloneScript } from './clone-script.ts'
import { terminationLog } from './context-report.ts'
import { literal } from './literal.ts'
import { contextFolder } from './paths.ts'

/** Of the container that fetches the source. */
export const fetchSecurity: V1SecurityContext = {
  runAsUser: 0,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
}

/**
 * Fetches the commit; the only container that holds the git credential. It runs as root without any
 * capability: Kaniko gives the files in the image the owner they have here, and that is root.
 */
export function cloneContainer(request: JobRequest, job: string, image: string): V1Container {
  const { build, credential } = request
  const origin = originOf(request.cloneUrl)
  refuseOdd(build.ref, build.sha)
  const login = (name: string): { name: string; valueFrom: object } => ({
    name,
    valueFrom: { secretKeyRef: { name: job, key: name } },
  })
  return {
    name: 'clone',
    image,
    imagePullPolicy: 'IfNotPresent',
    command: ['sh', '-c', literal(cloneScript), 'clone'],
    args: [
      request.cloneUrl,
      origin,
      build.ref,
      build.sha,
      build.plan.context,
      build.plan.dockerfile,
    ].map(literal),
    workingDir: contextFolder,
    env: [
      { name: 'HOME', value: '/tmp' },
      { name: 'GIT_TERMINAL_PROMPT', value: '0' },
      ...(credential ? [login('GIT_USERNAME'), login('GIT_PASSWORD')] : []),
    ],
    volumeMounts: [
      { name: 'context', mountPath: contextFolder },
      { name: 'tmp', mountPath: '/tmp' },
    ],
    resources: { requests: { ...cloneRequests } },
    terminationMessagePath: terminationLog,
    securityContext: fetchSecurity,
  }
}

/** `https://host[:port]`: what the credential is bound to. */
function originOf(cloneUrl: string): string {
  const url = new URL(cloneUrl)
  const plain = !url.username && !url.password && /^https?:$/.test(url.protocol)
  if (!plain) throw new PermanentError(`Not an HTTP URL without a login: ${url.origin}`)
  return url.origin
}

/** Both become arguments of git: neither may read as a flag or as more than one name. */
function refuseOdd(ref: string, sha: string): void {
  // eslint-disable-next-line no-control-regex
  const isBranchOrTag = /^refs\/(heads|tags)\/[^\x00-\x20~^:?*[\\\x7f]+$/.test(ref)
  if (!isBranchOrTag && !isPullRequest(ref)) {
    throw new PermanentError(`Not a ref that git allows: ${JSON.stringify(ref)}`)
  }
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(sha)) {
    throw new PermanentError(`Not a commit id: ${JSON.stringify(sha)}`)
  }
}
