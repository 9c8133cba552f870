import type { Settings } from '../settings/settings.ts'
import type { Finding } from './finding.ts'

/** Shorter ones would black out ordinary words. */
const shortest = 6

/** Every secret that the environment says, as it stands and as a URL writes it. */
export function secretsOf({ redisUrl, forges, adminTokens, linkSecrets }: Settings): string[] {
  const { password } = new URL(redisUrl)
  const ofForges = [...forges.values()].flatMap(({ webhookSecrets, login }) => [
    ...webhookSecrets,
    ...(login === undefined ? [] : ['token' in login ? login.token : login.privateKey]),
  ])
  return [password, decoded(password), ...ofForges, ...adminTokens, ...linkSecrets]
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/**
 * The last line of defence: no check puts a secret into a finding, but what a server answers is
 * quoted, and a server may quote what it was sent.
 */
export function masked(findings: readonly Finding[], secrets: readonly string[]): Finding[] {
  // A key's lines are quoted one by one, if at all.
  const long = secrets
    .flatMap((secret) => secret.split(/\r?\n/))
    .filter((secret) => secret.length >= shortest)
  const mask = (text: string): string =>
    long.reduce((masking, secret) => masking.replaceAll(secret, '***'), text)
  return findings.map(({ fix, ...finding }) => ({
    ...finding,
    subject: mask(finding.subject),
    message: mask(finding.message),
    ...(fix === undefined ? {} : { fix: mask(fix) }),
  }))
}
