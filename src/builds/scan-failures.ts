import type { BuildPlan } from './build.ts'
import { author, operator, passing, type Failure } from './failure.ts'
import { strangeImage } from './publish-failures.ts'
import type { ContainerEnd } from './ports.ts'
import { countsText, findingsExitCode, findingText, readScan } from './scan.ts'

interface Sign {
  readonly pattern: RegExp
  readonly explain: (database: Database, match: RegExpExecArray) => Failure
}

/** The one that Trivy could not get. */
interface Database {
  /** With its place, where that is known. */
  readonly name: string
  /** The key of `scan.database` that names another place for it. */
  readonly key: 'repository' | 'javaRepository'
  /** Whether kanihook.yaml names its place. */
  readonly isNamed: boolean
  readonly secret: string | undefined
}

/** What Trivy says of its databases. The first sign that fits decides. */
const databaseSigns: readonly Sign[] = [
  {
    pattern: /x509: ([^\n;]*)/,
    explain: ({ name }, [, why = '']) =>
      operator(
        `${name}: TLS certificate refused (${why.trim()}): set skipTlsVerify under registries, or trust it`,
      ),
  },
  {
    pattern:
      /TOOMANYREQUESTS|\b429\b|\b50[0-9]\b|connection refused|connection reset|i\/o timeout|deadline exceeded|EOF|no such host/,
    explain: ({ name, key, isNamed }, [why]) =>
      isNamed
        ? passing(`${name} cannot be fetched: ${why}`)
        : passing(`${name} cannot be fetched (${why}): name a copy as scan.database.${key}`),
  },
  {
    pattern: /UNAUTHORIZED|DENIED|\b40[13]\b/,
    explain: (database) => operator(`${database.name} is refused to Trivy: ${loginOf(database)}`),
  },
  {
    pattern: /MANIFEST_UNKNOWN|NAME_UNKNOWN|\b404\b/,
    explain: ({ name }) => operator(`${name} is not there: check scan.database`),
  },
]

/** By the place that Trivy itself names, or by the one that it was told. */
function databaseOf({ plan: { scan } }: BuildPlan, said: string): Database {
  const key = /java.?db/i.test(said) ? 'javaRepository' : 'repository'
  const told = scan?.database?.[key]
  const [, place = told] = /failed to download artifact from (\S+\/\S+): /.exec(said) ?? []
  return {
    name: place === undefined ? "Trivy's database" : `Trivy's database ${place}`,
    key,
    isNamed: told !== undefined,
    secret: scan?.database?.secret,
  }
}

const loginOf = ({ secret }: Database): string =>
  secret === undefined
    ? 'name a Secret with a login as scan.database.secret'
    : `check Secret ${secret}`

/** Explains the end of the container that scans, by its log (oldest line first). */
export function explainScan(end: ContainerEnd, build: BuildPlan, log: readonly string[]): Failure {
  if (end.exitCode === findingsExitCode) return vulnerable(end)
  if (end.reason === 'OOMKilled') {
    return operator('Trivy ran out of memory: raise what a LimitRange of the namespace allows')
  }
  if (end.exitCode === 127) return operator('SCAN_IMAGE has no trivy: name an image that has it')
  const strange = strangeImage(log)
  if (strange) return strange
  const fatal = log.findLastIndex((line) => /\tFATAL\t/.test(line))
  const said = fatal < 0 ? '' : log.slice(fatal).join('\n')
  if (/no space left on device/.test(said)) {
    return operator("No room on the node for Trivy's database: it wants some 2 GiB of its disk")
  }
  if (/filtering error/.test(said)) {
    const why = /(?:line \d+: )?[^:\n]+$/m.exec(said)?.[0] ?? 'see the log'
    return author(`Trivy cannot read ${build.plan.scan?.ignoreFile ?? 'its ignore file'}: ${why}`)
  }
  for (const { pattern, explain } of / DB\b/.test(said) ? databaseSigns : []) {
    const match = pattern.exec(said)
    if (match) return explain(databaseOf(build, said), match)
  }
  const last = said.split('\n')[0]?.split('\t').slice(2).join(' ') || log.at(-1)
  return passing(`Scan failed with exit code ${end.exitCode}${last ? `: ${last}` : ''}`)
}

function vulnerable(end: ContainerEnd): Failure {
  const report = readScan(end)
  const [worst] = report?.findings ?? []
  const found = report ? countsText(report) : 'see the log'
  return author(
    `Not published, it is vulnerable: ${found}${worst ? `; ${findingText(worst)}` : ''}`,
  )
}
