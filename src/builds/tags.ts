import { parseRef } from './push-event.ts'

/** The variables of a template; one that is undefined has no value for this ref. */
export type TemplateValues = Readonly<Record<string, string | undefined>>

/** Every variable that a template in kanihook.yaml may name. */
export const templateVariables = [
  'branch',
  'tag',
  'pr',
  'sha',
  'shortSha',
  'semver',
  'major',
  'minor',
  'date',
] as const

/** Variables whose value comes from the ref's name, so that the tag belongs to that ref. */
const derivedFromRef = new Set(['branch', 'tag', 'pr', 'semver', 'major', 'minor'])

/** Variables whose value names a moving line of versions. */
const moving = new Set(['major', 'minor'])

// https://semver.org/#is-there-a-suggested-regular-expression-regex-to-check-a-semver-string with
// the customary `v` in front; build metadata is left out, since `+` is not legal in a tag.
const semverPattern =
  /^v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/

/**
 * The values for a ref at a commit. `{semver}` is `1.2.3` of a tag `v1.2.3`; `{major}` is `1` and
 * `{minor}` is `1.2`, both for releases only: a pre-release moves neither. A pull request has `{pr}`,
 * `{sha}` and `{shortSha}` alone.
 */
export function templateValues(ref: string, sha: string, now: number): TemplateValues {
  const { kind, name } = parseRef(ref)
  const version = kind === 'tag' ? semverPattern.exec(name) : null
  const [, major, minor, patch, pre] = version ?? []
  const release = version !== null && pre === undefined
  return {
    branch: kind === 'branch' ? name : undefined,
    tag: kind === 'tag' ? name : undefined,
    pr: kind === 'pull request' ? name : undefined,
    sha,
    shortSha: sha.slice(0, 12),
    semver: version ? `${major}.${minor}.${patch}${pre ?? ''}` : undefined,
    major: release ? major : undefined,
    minor: release ? `${major}.${minor}` : undefined,
    date:
      kind === 'pull request'
        ? undefined
        : new Date(now).toISOString().slice(0, 10).replaceAll('-', ''),
  }
}

/** Fills a template in, or undefined where one of its variables has no value. */
export function fill(template: string, values: TemplateValues): string | undefined {
  let complete = true
  const text = template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name]
    complete &&= value !== undefined
    return value ?? ''
  })
  return complete ? text : undefined
}

/**
 * A tag as registries accept it: `[a-z0-9_][a-z0-9_.-]{0,127}`, all else made a `-`.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
 */
export const sanitiseTag = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9_.-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 128)

export interface ImageTag {
  readonly tag: string
  /** The tag derives from the ref's name and belongs to that ref. */
  readonly ofRef: boolean
  /** For `{major}` and `{minor}`: the version that it moves to. */
  readonly version: string | undefined
  /** A pull request's, and made of its commit alone: left to a branch or tag at that commit. */
  readonly yields: boolean
}

/**
 * The tags of an image for a ref, without those whose template has no value, each once. A template
 * that is the same for every ref, such as `latest`, has none for a pull request.
 */
export function imageTags(templates: readonly string[], values: TemplateValues): ImageTag[] {
  const tags = new Map<string, ImageTag>()
  for (const template of templates) {
    const text = fill(template, values)
    const tag = text === undefined ? '' : sanitiseTag(text)
    if (tag === '' || tags.has(tag)) continue
    const names = [...template.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '')
    const ofPullRequest = values['pr'] !== undefined
    if (ofPullRequest && names.length === 0) continue
    tags.set(tag, {
      tag,
      ofRef: ofPullRequest || names.some((name) => derivedFromRef.has(name)),
      version: names.some((name) => moving.has(name)) ? values['semver'] : undefined,
      yields: ofPullRequest && !names.includes('pr'),
    })
  }
  return [...tags.values()]
}
