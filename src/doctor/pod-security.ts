import { fine, failure, warning, type Remark } from '../remark.ts'

/** From lax to strict, as https://kubernetes.io/docs/concepts/security/pod-security-standards/ has them. */
const levels = ['privileged', 'baseline', 'restricted']

const advice = 'label the namespace pod-security.kubernetes.io/enforce=baseline'

/** The level that the namespace's label enforces; undefined where there is none or it is not known. */
export const enforcedLevel = (
  labels: Readonly<Record<string, string>> | undefined,
): string | undefined => labels?.['pod-security.kubernetes.io/enforce']

/** What the level that is enforced means for builds. Pure. */
export function levelRemark(level: string | undefined): Remark {
  if (level === 'restricted') {
    return failure(
      'Pod Security enforces restricted there, which Kaniko cannot run under: it builds as root',
      advice,
    )
  }
  return fine(`Pod Security enforces ${level ?? 'nothing by a label (baseline is enough)'}`)
}

/**
 * What a warning of the API about a build's Job means. The namespace may warn of a level that is stricter than the
 * `enforced` one: then builds run all the same. Pure.
 */
export function jobWarningRemark(text: string, enforced: string | undefined): Remark {
  const said = `the API warns of a build's Job: ${text}`
  const [, violated] = /^would violate PodSecurity "([a-z]+)/.exec(text) ?? []
  if (violated === undefined) return warning(said)
  if (enforced !== undefined && isLaxer(enforced, violated)) {
    return fine(`${said} (Pod Security enforces ${enforced} alone, so builds run)`)
  }
  return warning(said, `builds need Pod Security baseline: ${advice}`)
}

/** An unknown level is enforced as the strictest. */
const isLaxer = (level: string, other: string): boolean =>
  levels.includes(level) && levels.indexOf(level) < levels.indexOf(other)

/** The texts of `Warning: 299 - "text", 299 - "text"` (RFC 7234). Pure. */
export const warningsOf = (header: string | undefined): string[] =>
  [...(header ?? '').matchAll(/\b\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) =>
    text.replaceAll(/\\(.)/g, '$1'),
  )
