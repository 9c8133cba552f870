import type { ImagePlan, Outcome, TagClaim } from './build.ts'
import { parseRef, type Repository } from './push-event.ts'
import type { ImageRule } from './rules.ts'
import { fill, imageTags, templateValues } from './tags.ts'

/** Kaniko's `--verbosity`, most first. */
export const verbosities = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'panic'] as const

export type Verbosity = (typeof verbosities)[number]

/** Kaniko's `--log-format`. */
export const logFormats = ['text', 'json', 'color'] as const

export type LogFormat = (typeof logFormats)[number]

export interface PlannedImage {
  readonly plan: ImagePlan
  /** One for each destination, in the same order. */
  readonly claims: readonly TagClaim[]
  /** Why it cannot be built for this ref; there are no destinations then. */
  readonly problem?: string
}

/** What is said where every `{major}` and `{minor}` went to a newer version. */
export const movedOn = 'Every tag of this image has moved on to a newer version'

/** The end of a pull request's build that has no tag of its own: a success, as a required check wants it. */
export const leftToOthers: Outcome = {
  state: 'skipped',
  reason: 'Skipped: a branch or tag at this commit pushes the same tags (say {pr} in one of them)',
}

/** Fills in an image's templates for a ref at a commit. `now`: milliseconds since the epoch. */
export function planImage(
  rule: ImageRule,
  repository: Repository,
  ref: string,
  sha: string,
  now: number,
): PlannedImage {
  const { kind, name } = parseRef(ref)
  const isUpload = kind === 'upload'
  const values = {
    ...templateValues(ref, sha, now),
    ...(isUpload ? {} : pathValues(repository)),
  }
  const names = rule.destinations.map(
    (template) => fill(template, mapValues(values, repositoryName)) ?? template,
  )
  const tags = imageTags(rule.tags, values)
  const claims = names.flatMap((name) =>
    tags.map(({ tag, ofRef, version, yields }) => ({
      destination: `${name}:${tag}`,
      repositoryId: `${repository.forge}/${repository.id}`,
      image: rule.name,
      ref: ofRef ? ref : '',
      ...(version === undefined ? {} : { version }),
      ...(yields ? { yields } : {}),
    })),
  )
  const { tags: _, paths: __, ...shape } = rule
  const plan: ImagePlan = {
    ...shape,
    destinations: claims.map((claim) => claim.destination),
    // An argument without a value for this ref is left to the Dockerfile's default.
    buildArgs: fillAll(rule.buildArgs, values),
    labels: {
      ...(isUpload
        ? {}
        : originLabels(repository, kind === 'pull request' ? `pull/${name}` : name, sha)),
      // The plan's time: the same for each of its tries. One that is reproducible has none.
      ...(rule.reproducible ? {} : { 'org.opencontainers.image.created': rfc3339(now) }),
      ...fillAll(rule.labels, values),
    },
    cache: {
      ...rule.cache,
      repository: rule.cache.repository ?? `${names[0]}/cache`,
      ...(kind === 'pull request' ? { readOnly: true } : {}),
    },
  }
  if (claims.length > 0) return { plan, claims }
  const example = kind === 'pull request' ? 'pr-{pr}' : '{shortSha}'
  const problem = `No tag of [${rule.tags.join(', ')}] has a value on a ${kind}: add one such as ${example}`
  return { plan, claims, problem }
}

const originLabels = ({ host, path }: Repository, refName: string, sha: string) => ({
  'org.opencontainers.image.revision': sha,
  'org.opencontainers.image.ref.name': refName,
  'org.opencontainers.image.source': `https://${host}/${path}`,
})

/** Whole seconds in UTC, as the OCI image specification wants `created`. */
const rfc3339 = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

function pathValues({ path }: Repository): { owner: string; repo: string } {
  const cut = path.lastIndexOf('/')
  return { owner: path.slice(0, Math.max(cut, 0)), repo: path.slice(cut + 1) }
}

/** As a part of a repository's name in a registry: lower case, `/` kept. */
const repositoryName = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9/._-]+/g, '-')
    .replace(/(^|\/)[._-]+|[._-]+(?=\/|$)/g, '$1')

function mapValues(
  values: Readonly<Record<string, string | undefined>>,
  change: (text: string) => string,
): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      value === undefined ? value : change(value),
    ]),
  )
}

function fillAll(
  templates: Readonly<Record<string, string>>,
  values: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(templates).flatMap(([name, template]) => {
      const text = fill(template, values)
      return text === undefined ? [] : [[name, text]]
    }),
  )
}
