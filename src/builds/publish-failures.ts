import type { BuildPlan } from './build.ts'
import { author, passing, type Failure } from './failure.ts'
import type { ContainerEnd } from './ports.ts'
import {
  denied,
  immutableTag,
  pushLogin,
  refusedLogin,
  silent,
  untrusted,
  type RegistryLogin,
} from './registry-failures.ts'

/** What crane was doing when it failed, and what it says. */
interface Fault {
  /** `registry/repository`, with `:tag` where a tag was moved. */
  readonly place: string
  readonly login: RegistryLogin
}

interface Sign {
  readonly pattern: RegExp
  readonly explain: (fault: Fault, match: RegExpExecArray) => Failure
}

/** What crane says. The first sign that fits decides. */
const signs: readonly Sign[] = [
  {
    // Amazon, Google, Harbor, Quay; Mirantis, Alibaba; Azure.
    pattern: /immutab|cannot be overwritten|disallowed on this registry, repository or image/i,
    explain: ({ place }) => immutableTag(place),
  },
  {
    pattern:
      /TOOMANYREQUESTS|\b429\b|\b50[0-9]\b|connection refused|connection reset|i\/o timeout|EOF|no such host/,
    explain: ({ login }, [why]) => silent(login, why),
  },
  {
    pattern: /x509: (.*)/,
    explain: ({ place }, [, why = '']) => untrusted(place.split('/')[0] ?? '', why),
  },
  {
    pattern: /UNAUTHORIZED|\b401\b/i,
    explain: ({ login }) => refusedLogin(login),
  },
  {
    pattern: /DENIED|NAME_UNKNOWN|\b40[34]\b/,
    explain: ({ place, login }) => denied(place, login),
  },
]

/** What the containers that read the built image say of a folder that a RUN step wrote into. */
export const strangeImage = (log: readonly string[]): Failure | undefined =>
  log.some((line) => line.startsWith("The image's folder holds"))
    ? author(
        'A RUN step wrote into /kanihook, where the built image is kept: leave that folder alone',
      )
    : undefined

/** Explains the end of the container that publishes, by its log (oldest line first). */
export function explainPublish(
  end: ContainerEnd,
  { plan }: BuildPlan,
  log: readonly string[],
): Failure {
  const strange = strangeImage(log)
  if (strange) return strange
  const at = log.findLastIndex((line) => /^(Pushing to|Tagging) /.test(line))
  const error = log.slice(at + 1).findLast((line) => line.startsWith('Error: ')) ?? ''
  const place = /^(?:Pushing to|Tagging) (\S+?)(?:: sha256:\S*)?$/.exec(log[at] ?? '')?.[1] ?? ''
  const fault = { place, login: { ...pushLogin(plan), places: [place] } }
  for (const { pattern, explain } of signs) {
    const match = pattern.exec(error)
    if (match) return explain(fault, match)
  }
  const last = error.replace(/^Error: /, '') || log.at(-1)
  const what = place
    ? `Push to ${place} failed midway`
    : `Push failed with exit code ${end.exitCode}`
  return passing(`${what}${last ? `: ${last}` : ''}`)
}
