import type { CoreV1Api, V1Secret } from '@kubernetes/client-node'
import type { GitCredential, SshKey } from '../builds/ports.ts'
import type { Repository } from '../builds/push-event.ts'
import { orAbsent, statusOf, within } from '../cluster/api-call.ts'
import { basicSecret, readCloneLogin, sshSecret } from '../cluster/clone-login.ts'
import { PermanentError } from '../errors.ts'
import { clientsOf, sourceOf } from '../forges/clients.ts'
import { sshUrl } from '../forges/clone-url.ts'
import type { ForgeDriver } from '../forges/forge.ts'
import { createGitRemote } from '../git/git-remote.ts'
import { fine, failure, warning, type Remark } from '../remark.ts'
import type { Settings } from '../settings/settings.ts'
import type { Check } from './checks.ts'
import { whyNot } from './cluster-access.ts'
import type { CloneTarget } from './clone-targets.ts'
import { eachOf, width } from './each-of.ts'
import { about } from './finding.ts'
import { keyFault, knowsHost, sshPlace, type SshPlace } from './ssh-secret.ts'

/** For the Secret, in milliseconds. */
const answerMs = 3_000
/** For git, after that. */
const gitMs = 6_000

export interface CloneSecretsOptions {
  readonly targets: readonly CloneTarget[]
  readonly drivers: readonly ForgeDriver[]
  readonly settings: Pick<Settings, 'forges' | 'buildNamespace'>
  readonly api: CoreV1Api
  /** The logins are Secrets of the cluster. */
  readonly reached: Promise<{ readonly reached: boolean }>
}

export interface CloneSecretChecks {
  readonly checks: readonly Check[]
  /** Every password and key that was read so far. */
  readonly values: ReadonlySet<string>
}

/** One check for each `cloneSecret`: is it a login, and does it read the repositories that entries name? */
export function cloneSecretChecks(options: CloneSecretsOptions): CloneSecretChecks {
  const values = new Set<string>()
  const checks = options.targets.map((target): Check => {
    const subject = `cloneSecret ${target.secret}`
    return {
      area: 'forge',
      subject,
      extraMs: Math.floor(target.repositories.length / width) * gitMs,
      async run() {
        // Told by the cluster's own check.
        if (!(await options.reached).reached) return { findings: [] }
        return { findings: about('forge', subject)(...(await examine(target, options, values))) }
      },
    }
  })
  return { checks, values }
}

const unread = (why: string): Remark => warning(`not checked: it cannot be read: ${why}`)

async function examine(
  target: CloneTarget,
  options: CloneSecretsOptions,
  values: Set<string>,
): Promise<Remark[]> {
  const { buildNamespace: namespace } = options.settings
  const { secret: name } = target
  let secret: V1Secret | undefined
  try {
    const read = options.api.readNamespacedSecret({ name, namespace }, within(answerMs))
    secret = await orAbsent(read)
  } catch (error) {
    return [unread(statusOf(error) === 403 ? 'this account may not' : whyNot(error))]
  }
  if (!secret) {
    return [failure(`there is no such Secret in ${namespace}`, making(name, namespace))]
  }
  let login: GitCredential | SshKey
  try {
    login = readCloneLogin(name, secret)
  } catch (error) {
    if (error instanceof PermanentError) return [failure(error.message)]
    throw error
  }
  values.add('privateKey' in login ? login.privateKey : login.password)
  const fault = 'privateKey' in login ? sshFault(login, target, options.settings) : undefined
  return fault ? [fault] : await tryLogin(target, login, options)
}

const making = (name: string, namespace: string): string =>
  `kubectl -n ${namespace} create secret generic ${name} --type=${sshSecret.type} --from-file=${sshSecret.key}=<file> --from-file=${sshSecret.hosts}=<file>, or --type=${basicSecret.type} --from-literal=${basicSecret.username}=<user> --from-literal=${basicSecret.password}=<token>`

/** What is wrong with a key whatever the server says of it. */
function sshFault(
  { privateKey, knownHosts }: SshKey,
  { forges: names }: CloneTarget,
  { forges }: Pick<Settings, 'forges'>,
): Remark | undefined {
  switch (keyFault(privateKey)) {
    case 'passphrase':
      return failure(
        `its ${sshSecret.key} is protected by a passphrase, which nobody is there to type`,
        "make a key without one: ssh-keygen -t ed25519 -N ''",
      )
    case 'public':
      return failure(
        `its ${sshSecret.key} is a public key`,
        'put the private one there, and this one at the forge',
      )
    case 'unreadable':
      return failure(
        `its ${sshSecret.key} is no private key`,
        'put the whole file there, from BEGIN to END',
      )
    default:
  }
  const places = names.flatMap((name) => {
    const forge = forges.get(name)
    return forge ? [sshPlace(sshUrl(forge, { forge: name, id: '', host: '', path: 'x' }))] : []
  })
  // A glob of several hosts may be meant for one of them.
  if (places.length === 0 || places.some((place) => knowsHost(knownHosts, place))) return undefined
  const scans = places.map(scanning)
  return failure(
    `its ${sshSecret.hosts} has no line for ${places.map(nameOf).join(' or ')}`,
    `add the output of ${scans.join(' or ')}, after comparing fingerprints with the forge's`,
  )
}

const nameOf = ({ host, port }: SshPlace): string => (port === 22 ? host : `[${host}]:${port}`)

const scanning = ({ host, port }: SshPlace): string =>
  port === 22 ? `ssh-keyscan ${host}` : `ssh-keyscan -p ${port} ${host}`

/** Asks git for each repository that is named, as a push of it would. */
async function tryLogin(
  { secret, repositories, globs }: CloneTarget,
  login: GitCredential | SshKey,
  { drivers, settings }: CloneSecretsOptions,
): Promise<Remark[]> {
  const source = sourceOf(clientsOf(drivers, settings.forges), async () => login)
  const git = createGitRemote({
    access: (repository) => source.access(repository, secret),
    secretOf: () => secret,
    timeoutMs: gitMs,
  })
  const read: string[] = []
  const refused: Remark[] = []
  await eachOf(repositories, async (repository) => {
    const name = `${repository.host}/${repository.path}`
    try {
      await git.head(repository, 'HEAD')
      read.push(name)
    } catch (error) {
      refused.push(refusal(error, repository))
    }
  })
  const how = 'privateKey' in login ? 'key' : 'token'
  return [
    ...(read.length > 0 ? [fine(`its ${how} reads ${listed(read.toSorted())}`)] : []),
    ...(globs.length > 0
      ? [fine(`is a ${how}; whether it reads ${listed(globs)} is seen with the first push`)]
      : []),
    ...refused,
  ]
}

function refusal(error: unknown, { forge }: Repository): Remark {
  // Its sentence says what to do.
  if (error instanceof PermanentError) return failure(error.message)
  const prefix = forge.toUpperCase()
  return failure(
    error instanceof Error ? error.message : 'git cannot be asked',
    `let this machine reach it, or mend ${prefix}_URL or ${prefix}_SSH_URL`,
  )
}

const listed = (names: readonly string[]): string =>
  names.length <= 4
    ? names.join(', ')
    : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`
