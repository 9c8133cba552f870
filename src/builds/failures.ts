import type { BuildPlan } from './build.ts'
import { author, operator, passing, type Failure } from './failure.ts'
import { baseImage, command, forImage, lastOutput, readLine, type Line } from './log-reading.ts'
import type { ContainerEnd } from './ports.ts'
import {
  denied,
  immutableTag,
  kanikoLogin,
  loginPlace,
  refusedLogin,
  silent,
  untrusted,
} from './registry-failures.ts'

/** One thing that the log can say. */
export interface Sign {
  readonly pattern: RegExp
  readonly explain: (match: RegExpExecArray, build: BuildPlan, log: readonly Line[]) => Failure
}

const hostOf = (url: string): string => /^(?:https?:\/\/)?([^/\s"]+)/.exec(url)?.[1] ?? url

/** What Kaniko prints. The first sign that fits decides, so the special comes before the general. */
const buildSigns: readonly Sign[] = [
  {
    pattern: /error resolving dockerfile path/,
    explain: (_, build) => author(`Dockerfile not found: ${build.plan.dockerfile}`),
  },
  {
    pattern: /dockerfile parse error (?:on )?line (\d+): ([^\n]*)/i,
    explain: (match) => author(`Dockerfile line ${match[1]}: ${match[2]}`),
  },
  {
    pattern: /parsing dockerfile: ([^\n]*)/,
    explain: (match) => author(`Dockerfile cannot be read: ${match[1]}`),
  },
  {
    pattern: /(\S+) is not a valid target build stage/,
    explain: (match) => author(`Target stage ${match[1]} is not in the Dockerfile`),
  },
  {
    pattern: /checking push permission for "([^"/]+)[^\n]*?x509: ([^\n;]*)/,
    explain: (match) => untrusted(match[1] ?? '', match[2] ?? ''),
  },
  {
    pattern:
      /checking push permission[^\n]*?(TOOMANYREQUESTS|\b429\b|\b50[0-9]\b|connection refused|i\/o timeout|EOF|no such host)/,
    explain: (match, { plan }) => silent(kanikoLogin(plan), match[1] ?? ''),
  },
  {
    pattern: /checking push permission for "([^"]+)"[^\n]*?(DENIED|\b403\b)/,
    explain: (match, { plan }) => denied(match[1] ?? '', kanikoLogin(plan)),
  },
  {
    pattern: /checking push permission/,
    explain: (_, { plan }) => refusedLogin(kanikoLogin(plan)),
  },
  {
    // Amazon, Google, Harbor, Quay; Mirantis, Alibaba; Azure.
    pattern:
      /failed to push to destination (\S+?):?\s[^\n]*(?:immutab|cannot be overwritten|disallowed on this registry, repository or image)/i,
    explain: (match) => immutableTag(match[1] ?? ''),
  },
  {
    pattern: /failed to push to destination ([^\s:]+\S*?):? [^\n]*?(UNAUTHORIZED|DENIED|40[13]\b)/,
    explain: (match, { plan }) => denied(match[1] ?? '', kanikoLogin(plan)),
  },
  {
    // With what the registry answered, and without where it was asked.
    pattern: /failed to push to destination (\S+?):?\s(?:[A-Z]+ \S+: )?([^\n]*)/,
    explain: (match) => passing(`Push to ${match[1]} failed midway: ${match[2]}`),
  },
  {
    pattern: /failed to execute command: waiting for process to exit: exit status (\d+)/,
    explain: (match, _, log) =>
      author(`RUN${command(log)} failed with exit code ${match[1]}${lastOutput(log)}`),
  },
  {
    pattern: /failed to execute command: waiting for process to exit: signal: killed/,
    explain: (_, __, log) =>
      author(
        `RUN${command(log)} was killed: has it too little memory? Set resources.requests.memory${lastOutput(log)}`,
      ),
  },
  {
    pattern: /failed to execute command: waiting for process to exit: signal: ([\w ]+)/,
    explain: (match, _, log) =>
      author(`RUN${command(log)} was ended by signal ${match[1]}${lastOutput(log)}`),
  },
  {
    pattern: /exec format error/,
    explain: (_, { plan: { platform, crossBuild } }) =>
      crossBuild
        ? author(
            `RUN needs a node of ${platform}: crossBuild is for Dockerfiles that run no program of the platform`,
          )
        : author('RUN needs another CPU architecture than the node has: set platforms'),
  },
  {
    pattern:
      /failed to get files used from context[^\n]*?(?:lstat|stat) \/(?:kanihook\/context|kaniko\/buildcontext)\/(\S+): no such file/,
    explain: (match) => author(`COPY source not found in the context: ${match[1]}`),
  },
  {
    pattern: /failed to get files used from context: ([^\n]*)/,
    explain: (match) => author(`COPY source not found in the context: ${match[1]}`),
  },
  {
    pattern: /(?:GET|HEAD) (\S+?):? [^\n]*?(?:TOOMANYREQUESTS|429 Too Many)/,
    explain: (match) =>
      passing(
        `Registry ${hostOf(match[1] ?? '')} allows no more pulls now: put a login for it into the pushSecret, or set a mirror`,
      ),
  },
  {
    pattern: /(?:GET|HEAD) (\S+?):? [^\n]*?(\b50[0-9]\b)/,
    explain: (match) =>
      passing(`Registry ${hostOf(match[1] ?? '')} does not serve the base image now: ${match[2]}`),
  },
  {
    pattern: /(?:GET|HEAD) (\S+?):? [^\n]*?(?:UNAUTHORIZED|DENIED|\b40[13]\b)/,
    explain: (match, { plan }, log) =>
      author(
        `Base image ${baseImage(log) ?? match[1]}: login refused: put one for its registry into ${loginPlace(kanikoLogin(plan))}`,
      ),
  },
  {
    pattern: /(?:GET|HEAD) (\S+?):? [^\n]*?(?:MANIFEST_UNKNOWN|NAME_UNKNOWN|NOT_FOUND|\b404\b)/,
    explain: (match, _, log) => author(`Base image ${baseImage(log) ?? match[1]} not found`),
  },
  {
    pattern: /https:\/\/([^/\s"]+)[^\n]*?x509: ([^\n;]*)/,
    explain: (match) => untrusted(match[1] ?? '', match[2] ?? ''),
  },
  {
    pattern: /dial tcp [^\n]*?(no such host|connection refused|i\/o timeout)/,
    explain: (match, _, log) => passing(`Cannot reach a registry (${match[1]})${forImage(log)}`),
  },
  {
    pattern: /no space left on device/i,
    explain: () =>
      author('Out of disk space during the build: raise resources.limits.ephemeral-storage'),
  },
]

/**
 * Explains the end of Kaniko's container with an exit code other than 0. Only the container's own
 * reason says that memory ran out: a RUN step may itself exit with 137.
 */
export function explainBuild(end: ContainerEnd, build: BuildPlan, log: readonly string[]): Failure {
  if (end.reason === 'OOMKilled') {
    const limit = build.plan.resources.limits?.['memory']
    return limit
      ? author(`Out of memory (limit ${limit}): raise resources.limits.memory`)
      : author('Out of memory: the node has no more; set resources.requests.memory')
  }
  const lines = log.map(readLine)
  // A RUN step may print whatever it likes: only Kaniko's own lines are signs.
  const known = explain(buildSigns, build, lines, ({ level }) => level !== undefined)
  if (known) return known
  const panic = log.findLast((line) => line.startsWith('panic: '))
  // It looks for the time of each of the base image's layers in the image's history.
  if (panic && build.plan.reproducible && log.some((line) => line.includes('mutate.Time('))) {
    return operator(
      'reproducible needs a base image with a history, which this one lacks: leave it out',
    )
  }
  if (panic) return operator(`Kaniko crashed: ${panic}`)
  const error = lines.findLast(({ level }) => level === 'error' || level === 'fatal')
  const last = (error ?? lines.at(-1))?.text
  return author(`Build failed with exit code ${end.exitCode}${last ? `: ${last}` : ''}`)
}

/** Why Tekton itself ends a TaskRun, whatever its steps do. */
const tektonReasons: Readonly<Record<string, (message: string) => Failure>> = {
  TaskRunCancelled: () => operator('The TaskRun was cancelled in the cluster'),
  TaskRunValidationFailed: (message) => operator(`Tekton refuses the TaskRun: ${message}`),
  TaskRunImagePullFailed: (message) => passing(`Tekton cannot pull an image: ${message}`),
}

/** Explains a pod that failed as a whole. */
export function explainPod(pod: { reason: string; message: string }, build: BuildPlan): Failure {
  if (/(ephemeral local|local ephemeral) storage|Usage of EmptyDir/.test(pod.message)) {
    const limit = build.plan.resources.limits?.['ephemeral-storage']
    return author(
      `Out of disk space${limit ? ` (limit ${limit})` : ''}: raise resources.limits.ephemeral-storage`,
    )
  }
  const ofTekton = tektonReasons[pod.reason]
  if (ofTekton) return ofTekton(pod.message)
  return passing(`The pod was lost: ${pod.reason}${pod.message ? `: ${pod.message}` : ''}`)
}

/** By the first of the signs that the log (oldest line first) shows. */
export function explain(
  signs: readonly Sign[],
  build: BuildPlan,
  log: readonly Line[],
  isSign: (line: Line) => boolean = () => true,
): Failure | undefined {
  const text = log
    .filter(isSign)
    .map((line) => line.text)
    .join('\n')
  for (const { pattern, explain: say } of signs) {
    const match = pattern.exec(text)
    if (match) return say(match, build, log)
  }
  return undefined
}
