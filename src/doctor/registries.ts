import { isHub, type DockerLogin } from '../registry/docker-login.ts'
import { isCertificateFault } from '../http/failure-reason.ts'
import { createRegistry, type Access } from '../registry/push-access.ts'
import { fine, failure, warning, type Remark } from '../remark.ts'
import type { Check } from './checks.ts'
import { eachOf, width } from './each-of.ts'
import { about, type CheckResult, type Finding } from './finding.ts'
import { leftToAccount, type PushSecrets } from './push-secrets.ts'
import type { PullSecret, RegistryGroup } from './registry-targets.ts'

/** For each answer; a login and a permission take up to six. */
const answerMs = 3_000

export interface RegistryChecksOptions {
  readonly groups: readonly RegistryGroup[]
  readonly pushSecrets: PushSecrets
  /** The logins are Secrets of the cluster. */
  readonly reached: Promise<{ readonly reached: boolean }>
}

/** One check for each registry and login: is the login taken, and may it push each image? */
export function registryChecks({ groups, pushSecrets, reached }: RegistryChecksOptions): Check[] {
  return groups.map((group, index) => ({
    area: 'registry',
    subject: group.host,
    // One more second for each round of repositories.
    extraMs: Math.floor(group.names.length / width) * 1_000,
    async run() {
      if ((await reached).reached) return { findings: await examine(group, pushSecrets) }
      // Said once, for all of them.
      return index === 0 ? registriesUnknown(groups) : { findings: [] }
    },
  }))
}

/** One check for each Secret that builds pull with: is it a login, and for what? */
export function pullSecretChecks({
  secrets,
  pushSecrets,
  reached,
}: Pick<RegistryChecksOptions, 'pushSecrets' | 'reached'> & {
  readonly secrets: readonly PullSecret[]
}): Check[] {
  return secrets.map(({ key, name, registry }) => ({
    area: 'registry',
    subject: `${key} ${name}`,
    async run() {
      if (!(await reached).reached) return { findings: [] }
      const remark = await pushSecrets.held(name, registry)
      return { findings: about('registry', `${key} ${name}`)(remark) }
    },
  }))
}

async function examine(group: RegistryGroup, secrets: PushSecrets): Promise<Finding[]> {
  const { host, secret, serviceAccountName: account, names } = group
  const atHost = about('registry', host)
  const loginFor = async (name: string): Promise<DockerLogin | Remark | undefined> =>
    secret === undefined ? undefined : secrets.login(secret, group, name)
  if (secret === undefined && account !== undefined) return atHost(leftToAccount(account))
  const login = await loginFor(names[0] ?? '')
  if (login && 'severity' in login) return atHost(login)

  const registryOf = (own: DockerLogin | undefined) =>
    createRegistry({ ...connectionOf(group), login: own, timeoutMs: answerMs })
  const access = await registryOf(login).login()
  if (access.kind !== 'granted' && (login || access.kind !== 'unauthorized')) {
    return atHost(loginRemark(access, group))
  }

  const granted: string[] = []
  const refused: Finding[] = []
  await eachOf(names, async (name) => {
    // A Secret may hold a login for this repository alone.
    const own = await loginFor(name)
    const atName = about('registry', `${host}/${name}`)
    if (own && 'severity' in own) {
      refused.push(...atName(own))
      return
    }
    const push = await registryOf(own).push(name)
    if (push.kind === 'granted') granted.push(name)
    else refused.push(...atName(pushRemark(push, group, name, secrets)))
  })
  return [...atHost(...summaries(group, login, granted.toSorted(), access)), ...refused]
}

/** Docker Hub's name is not that of its API. */
const connectionOf = ({ host, insecure, skipTlsVerify }: RegistryGroup) => ({
  host: isHub(host) ? 'index.docker.io' : host,
  insecure,
  skipTlsVerify,
})

function summaries(
  { secret, key, templates }: RegistryGroup,
  login: DockerLogin | undefined,
  granted: readonly string[],
  access: Access,
): Remark[] {
  const who = login ? `the login of the Secret ${secret}` : 'anybody'
  const may = granted.length > 0 ? [fine(`${who} may push to ${listed(granted)}`)] : []
  if (templates.length === 0) return may
  const how = access.kind === 'granted' ? 'is taken' : 'is wanted'
  const text = `whether it may push to ${listed(templates)} is seen with the first build`
  if (login) return [...may, fine(`${who} ${how}; ${text}`)]
  return access.kind === 'granted'
    ? [...may, fine(`takes requests without a login; ${text}`)]
    : [
        ...may,
        warning(`wants a login, and no ${key} is named for ${listed(templates)}`, naming(key)),
      ]
}

const naming = (key: RegistryGroup['key']): string => `name a ${key} in kanihook.yaml`

/** What the documentation calls them. They differ: RUN steps can read a pullSecret. */
const usualNames = { pushSecret: 'registry-credentials', pullSecret: 'registry-reader' } as const

const listed = (names: readonly string[]): string =>
  names.length <= 4
    ? names.join(', ')
    : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`

/** Why the login alone was not taken: one line, however many images go there. */
function loginRemark(access: Access, group: RegistryGroup): Remark {
  if (access.kind === 'unauthorized' || access.kind === 'denied') {
    return failure(
      `refuses the login of the Secret ${group.secret} (${access.said})`,
      'put the right user and password into it',
    )
  }
  if (access.kind === 'no-repository') {
    return failure(`is no registry (${access.said} for /v2/)`, 'mend the host in kanihook.yaml')
  }
  return troubleRemark(access, group)
}

function pushRemark(
  access: Access,
  group: RegistryGroup,
  name: string,
  secrets: PushSecrets,
): Remark {
  const { secret, key, host } = group
  if (access.kind === 'no-repository') {
    return failure(
      `the repository does not exist there (${access.said})`,
      'create it: this registry makes none by itself',
    )
  }
  if (access.kind !== 'denied' && access.kind !== 'unauthorized') {
    return troubleRemark(access, group)
  }
  return secret === undefined
    ? warning(
        `refuses pushes without a login (${access.said}), and no ${key} is named`,
        `${naming(key)}: ${secrets.making(usualNames[key], host)}, then ${key}: ${usualNames[key]}`,
      )
    : failure(
        `the login of the Secret ${secret} may not push (${access.said})`,
        `give it write access to ${name}`,
      )
}

/** What stands in the way of any question. */
function troubleRemark(access: Access, { host, insecure }: RegistryGroup): Remark {
  switch (access.kind) {
    case 'unreachable':
      return unreachable(access.reason, host, insecure)
    case 'redirected':
      return failure(
        `redirects to ${access.to}, where no login is sent`,
        'name the registry by its own host in kanihook.yaml',
      )
    case 'refused-realm':
      return failure(
        `wants its login sent to ${access.realm}, which is not HTTPS`,
        `let it name a token server with TLS, or mark ${host} as insecure under registries`,
      )
    default:
      return warning(
        `cannot be asked: ${'said' in access ? access.said : access.kind}`,
        'look at its log',
      )
  }
}

function unreachable(reason: string, host: string, insecure: boolean): Remark {
  if (isCertificateFault(reason)) {
    return failure(
      `its certificate is not trusted (${reason})`,
      `give it one of a public authority, or say { host: "${host}", skipTlsVerify: true } under registries`,
    )
  }
  if (!insecure && /SSL|EPROTO|ECONNRESET|HPE_/.test(reason)) {
    return failure(
      `does not speak HTTPS (${reason})`,
      `say { host: "${host}", insecure: true } under registries if plain HTTP is meant`,
    )
  }
  return failure(
    `cannot be reached from here: ${reason}`,
    'mend the host in kanihook.yaml, or let this machine reach it',
  )
}

/** What to say of the registries while the cluster, which keeps the logins, cannot be reached. */
export const registriesUnknown = (groups: readonly RegistryGroup[]): CheckResult => ({
  findings: about(
    'registry',
    [...new Set(groups.map(({ host }) => host))].join(', '),
  )(warning('not checked: the logins are Secrets of the cluster, which cannot be reached')),
})
