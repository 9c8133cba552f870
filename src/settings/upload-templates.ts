import { inherit, isMapping } from './inherit.ts'
import type { Mapping } from './inherit.ts'
import { defaultTags } from './resolve-config.ts'
import { isForUploads, templateFault, uploadVariables } from './templates.ts'
import type { Fault, Path } from './yaml-file.ts'

/**
 * Variables of templates that have no value for an upload, as it is of no repository, branch or git tag. What it says
 * itself must have none of them; of `defaults` such tags, arguments and labels are left out, as on a git tag.
 */
export function uploadTemplates(own: Mapping, defaults: Mapping, path: Path): Fault[] {
  const faults: Fault[] = []
  const look = (text: unknown, at: Path): void => {
    const message = typeof text === 'string' ? templateFault(text, uploadVariables) : undefined
    if (message !== undefined) faults.push({ path: [...path, ...at], message })
  }
  const { tags, destination, cache } = inherit(defaults, own)
  if (Array.isArray(own['tags'])) own['tags'].forEach((tag, i) => look(tag, ['tags', i]))
  else if (!hasTag(tags ?? defaultTags)) {
    const message =
      'missing (no tag of defaults has a value for an upload: write e.g. ["{shortSha}"])'
    faults.push({ path: [...path, 'tags'], message })
  }
  const place = [destination]
    .flat()
    .find((each): each is string => typeof each === 'string' && /\{\w/.test(each))
  if (place !== undefined) {
    const message = `"${place}" names a repository, and an upload has none (say a destination without {owner} and {repo})`
    faults.push({ path: [...path, 'destination'], message })
  }
  if (isMapping(cache)) look(cache['repository'], ['cache', 'repository'])
  for (const key of ['buildArgs', 'labels'] as const) {
    const texts = own[key]
    if (!isMapping(texts)) continue
    for (const [name, text] of Object.entries(texts)) look(text, [key, name])
  }
  return faults
}

const hasTag = (tags: unknown): boolean =>
  !Array.isArray(tags) || tags.some((tag) => typeof tag === 'string' && isForUploads(tag))
