import type { ForgeDriver, ForgeLogin, ForgeSettings } from '../forges/forge.ts'
import { privateKey, sshUrl, webUrl, word } from './parsers.ts'
import type { Variables } from './variables.ts'

/** What the environment needs to know of a forge. */
export type ForgeFacts = Pick<
  ForgeDriver,
  'name' | 'defaultUrl' | 'isSelfHosted' | 'apiUrl' | 'hasApps'
>

/** Names the folder of the secrets that entries of kanihook.yaml have of their own. */
export const secretsDir = 'WEBHOOK_SECRETS_DIR'

/**
 * The forges that are on, by name: those with secrets, and where entries may have secrets of their own, those
 * whose address or login is said: which entries there are changes while kanihook runs. A forge with an empty `defaultUrl` has no
 * place of its own on the internet: its URL must be given.
 */
export function readForges(
  variables: Variables,
  forges: readonly ForgeFacts[],
  { needsLogin }: { needsLogin: boolean },
): ReadonlyMap<string, ForgeSettings> {
  const on = new Map<string, ForgeSettings>()
  for (const forge of forges) {
    const prefix = forge.name.toUpperCase()
    const webhookSecrets = variables.secrets(`${prefix}_WEBHOOK_SECRETS`)
    if (webhookSecrets.length === 0 && !isOn(variables, prefix)) continue
    const given = variables.optional(`${prefix}_URL`, webUrl)
    if (!variables.isSet(`${prefix}_URL`)) {
      const advice = `set it to where people open ${forge.name}`
      if (!forge.defaultUrl) variables.faults.push(`${prefix}_URL is missing (${advice})`)
      else if (forge.isSelfHosted) {
        const variable = `${prefix}_URL`
        const message = `${variable} is not set: ${forge.defaultUrl} is meant (${advice})`
        variables.warnings.push({ variable, message })
      }
    }
    const url = given ?? forge.defaultUrl
    const apiUrl = variables.optional(`${prefix}_API_URL`, webUrl) ?? (url && forge.apiUrl(url))
    const ssh = variables.optional(`${prefix}_SSH_URL`, sshUrl)
    const login = needsLogin ? readLogin(variables, forge, prefix) : undefined
    on.set(forge.name, {
      url,
      apiUrl,
      webhookSecrets,
      login,
      ...(ssh !== undefined && { sshUrl: ssh }),
    })
  }
  if (on.size === 0) {
    const names = forges.map(({ name }) => `${name.toUpperCase()}_WEBHOOK_SECRETS`).join(', ')
    const own = variables.isSet(secretsDir) ? `, or with ${secretsDir} a forge's _URL` : ''
    variables.faults.push(`no forge is on (set at least one of ${names}${own})`)
  }
  return on
}

function isOn({ isSet }: Variables, prefix: string): boolean {
  const said = ['URL', 'TOKEN', 'APP_ID'].map((name) => `${prefix}_${name}`)
  return isSet(`${prefix}_WEBHOOK_SECRETS`) || (isSet(secretsDir) && said.some(isSet))
}

function readLogin(
  variables: Variables,
  { hasApps }: ForgeFacts,
  prefix: string,
): ForgeLogin | undefined {
  const names = {
    token: `${prefix}_TOKEN`,
    id: `${prefix}_APP_ID`,
    key: `${prefix}_APP_PRIVATE_KEY`,
  }
  const token = variables.optional(names.token, word)
  const appId = hasApps ? variables.optional(names.id, word) : undefined
  const key = hasApps ? variables.optional(names.key, privateKey) : undefined
  const set = {
    token: variables.isSet(names.token),
    id: hasApps && variables.isSet(names.id),
    key: hasApps && variables.isSet(names.key),
  }
  if (set.token && (set.id || set.key)) {
    variables.faults.push(
      `${names.token} and ${names.id} or ${names.key} are both set (keep the token or the app)`,
    )
  } else if (set.id !== set.key) {
    const [there, missing] = set.id ? [names.id, names.key] : [names.key, names.id]
    variables.faults.push(`${missing} is missing, while ${there} is set (an app needs both)`)
  } else if (!set.token && !set.id) {
    const app = hasApps ? `, or ${names.id} and ${names.key}` : ''
    variables.faults.push(
      `${names.token} is missing: the worker posts statuses with it (set it${app})`,
    )
  }
  if (token !== undefined) return { token }
  return appId !== undefined && key !== undefined ? { appId, privateKey: key } : undefined
}
