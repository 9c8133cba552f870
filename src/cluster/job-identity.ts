import type { BuildPlan } from '../builds/build.ts'

/** Labels have a short alphabet and 63 characters: they select; annotations tell. */
export const labels = {
  managedBy: 'app.kubernetes.io/managed-by',
  build: 'kanihook.dev/build',
  image: 'kanihook.dev/image',
  job: 'kanihook.dev/job',
  try: 'kanihook.dev/try',
} as const

/** Selects the pods of every build; who manages them, Tekton says otherwise of its own. */
export const ofBuilds = labels.job

/** Selects the pods of one Job. */
export const ofJob = (job: string): string => `${labels.job}=${job}`

export const identityLabels = (
  build: BuildPlan,
  job: string,
  tries: number,
): Record<string, string> => ({
  [labels.managedBy]: 'kanihook',
  'app.kubernetes.io/component': 'build',
  [labels.build]: build.id,
  [labels.image]: labelValue(build.image),
  [labels.job]: job,
  [labels.try]: String(tries),
})

const prefix = 'kanihook.dev/'

/** Everything that a record of the build needs, should the records be lost; none of it is secret. */
export function identityAnnotations(
  build: BuildPlan,
  tries: number,
  part?: string,
): Record<string, string> {
  const { repository, ref, sha, generation, image, attempt, cause, plan } = build
  const { moving, headBranch, summary, foundBy } = build
  const details = JSON.stringify({ moving, headBranch, summary, foundBy })
  const values = {
    build: build.id,
    forge: repository.forge,
    'repository-id': repository.id,
    'repository-host': repository.host,
    'repository-path': repository.path,
    ref,
    sha,
    generation: String(generation),
    image,
    attempt: String(attempt),
    try: String(tries),
    // A platform, or `index`.
    ...(part === undefined ? {} : { part }),
    cause,
    plan: JSON.stringify(plan),
    ...(details === '{}' ? {} : { details }),
  }
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [prefix + key, value]))
}

/** Which try of which build a Job is. */
export interface JobIdentity {
  readonly build: BuildPlan
  readonly tries: number
  /** A platform, or `index`; undefined: the build's only Job. */
  readonly part?: string
}

/** Reads them back; undefined where the object is not one of kanihook's. */
export function readIdentity(
  annotations: Readonly<Record<string, string>> | undefined,
): JobIdentity | undefined {
  const value = (key: string): string => annotations?.[prefix + key] ?? ''
  if (value('build') === '' || value('plan') === '') return undefined
  const build: BuildPlan = {
    id: value('build'),
    repository: {
      forge: value('forge'),
      id: value('repository-id'),
      host: value('repository-host'),
      path: value('repository-path'),
    },
    ref: value('ref'),
    sha: value('sha'),
    generation: Number(value('generation')),
    image: value('image'),
    attempt: Number(value('attempt')),
    cause: value('cause'),
    // JSON leaves out what is undefined, which reads the same.
    plan: JSON.parse(value('plan')) as BuildPlan['plan'],
    ...(JSON.parse(value('details') || '{}') as Partial<BuildPlan>),
  }
  const part = value('part')
  return { build, tries: Number(value('try')), ...(part === '' ? {} : { part }) }
}

/** At most 63 of [A-Za-z0-9._-], the first and the last a letter or digit. */
function labelValue(text: string): string {
  return text
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .slice(0, 63)
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '')
}
