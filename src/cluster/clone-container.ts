import type { V1Container, V1EnvVar, V1SecurityContext, V1Volume } from '@kubernetes/client-node'
import type { JobRequest } from '../builds/ports.ts'
import { isPullRequest } from '../builds/push-event.ts'
import { cloneRequests } from '../builds/refusals.ts'
import { PermanentError } from '../errors.ts'
import { sshOptions } from '../git/ssh-login.ts'
import { basicSecret, sshSecret } from './clone-login.ts'
import { cloneOptions } from './clone-options.ts'
import { cloneScript } from './clone-script.ts'
import { terminationLog } from './context-report.ts'
import { literal } from './literal.ts'
import { contextFolder, sshLoginFolder } from './paths.ts'

const home = '/tmp'

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
  const { build } = request
  const origin = originOf(request.cloneUrl)
  refuseOdd(build.ref, build.sha)
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
      ...cloneOptions(request),
    ].map(literal),
    workingDir: contextFolder,
    env: [
      { name: 'HOME', value: home },
      { name: 'GIT_TERMINAL_PROMPT', value: '0' },
      ...loginOf(request, job),
    ],
    volumeMounts: [
      { name: 'context', mountPath: contextFolder },
      { name: 'tmp', mountPath: home },
      ...(usesSsh(request)
        ? [{ name: loginVolume, mountPath: sshLoginFolder, readOnly: true }]
        : []),
    ],
    resources: { requests: { ...cloneRequests } },
    terminationMessagePath: terminationLog,
    securityContext: fetchSecurity,
  }
}

const loginVolume = 'git-login'

/** The volume of an SSH key, which the clone container alone mounts. */
export function loginVolumes(request: JobRequest): V1Volume[] {
  const { cloneSecret } = request.build.plan
  if (!usesSsh(request) || cloneSecret === undefined) return []
  const items = [sshSecret.key, sshSecret.hosts].map((key) => ({ key, path: key }))
  return [
    { name: loginVolume, secret: { secretName: cloneSecret, items, defaultMode: ownerMayRead } },
  ]
}

const ownerMayRead = 0o400

const usesSsh = ({ cloneUrl }: JobRequest): boolean => cloneUrl.startsWith('ssh:')

const from = (name: string, secret: string, key: string): V1EnvVar => ({
  name,
  valueFrom: { secretKeyRef: { name: secret, key } },
})

/** The environment in which the script finds its login: that of the Job's own Secret, or of the plan's. */
function loginOf(request: JobRequest, job: string): V1EnvVar[] {
  const { build, credential } = request
  const { cloneSecret } = build.plan
  if (usesSsh(request)) {
    const command = ['ssh', ...sshOptions(`${home}/ssh`)].join(' ')
    return [
      { name: 'GIT_SSH_COMMAND', value: command },
      { name: 'SSH_LOGIN', value: sshLoginFolder },
    ]
  }
  if (cloneSecret !== undefined) {
    const { username, password } = basicSecret
    return [
      from('GIT_USERNAME', cloneSecret, username),
      from('GIT_PASSWORD', cloneSecret, password),
    ]
  }
  return credential ? ['GIT_USERNAME', 'GIT_PASSWORD'].map((name) => from(name, job, name)) : []
}

/** `https://host[:port]`, `ssh://user@host[:port]`: what the login is bound to. */
function originOf(cloneUrl: string): string {
  const { protocol, username, password, host, origin } = new URL(cloneUrl)
  if (/^https?:$/.test(protocol) && !username && !password) return origin
  // Its user is no secret.
  if (protocol === 'ssh:' && username && !password) return `ssh://${username}@${host}`
  throw new PermanentError(`Not a URL that a clone may be of: ${protocol}//${host}`)
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
