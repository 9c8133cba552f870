import { inherit, isMapping } from './inherit.ts'
import type { Mapping } from './inherit.ts'
import { parseQuantity } from './quantity.ts'
import { defaultTags } from './resolve-config.ts'
import { uploadDefaults } from './upload-defaults.ts'
import { uploadTemplates } from './upload-templates.ts'
import type { Fault, Path } from './yaml-file.ts'

/**
 * Faults that no single value shows: two things that cannot both be. It takes the file as it was
 * written, so that they are listed along with the faults of single values.
 */
export function findConflicts(file: unknown): Fault[] {
  const defaults = mapping(at(file, 'defaults'))
  const entries = list(at(file, 'repositories'))
  return [
    ...registryConflicts(list(at(file, 'registries'))),
    ...repeated(
      entries.map((entry) => at(entry, 'match')),
      (i) => ['repositories', i, 'match'],
      (first) => `never decides: repositories[${first}] has the same match (merge the two)`,
    ),
    ...entries.flatMap((entry, i) =>
      isMapping(entry) ? entryConflicts(entry, defaults, ['repositories', i]) : [],
    ),
    ...uploadConflicts(list(at(file, 'uploads')), defaults),
  ]
}

function uploadConflicts(uploads: readonly unknown[], defaults: Mapping): Fault[] {
  const merged = uploads.map((upload) => inherit(uploadDefaults(defaults), mapping(upload)))
  return [
    ...repeated(
      uploads.map((upload) => at(upload, 'name')),
      (i) => ['uploads', i, 'name'],
      (first) => `uploads[${first}] has the same name, whatever the case (rename one)`,
    ),
    ...merged.flatMap((image, i) => imageConflicts(image, mapping(uploads[i]), ['uploads', i])),
    ...uploads.flatMap((upload, i) =>
      at(at(upload, 'scan'), 'ignoreFile') === undefined
        ? []
        : [
            {
              path: ['uploads', i, 'scan', 'ignoreFile'],
              message: 'an upload has no repository to read it from (leave it out)',
            },
          ],
    ),
    ...sharedTags(merged).map(({ index, first, tag }) => ({
      path: ['uploads', index, 'destination'],
      message: sharedTag(`uploads[${first}]`, tag),
    })),
    ...uploads.flatMap((upload, i) => uploadTemplates(mapping(upload), defaults, ['uploads', i])),
  ]
}

function registryConflicts(registries: readonly unknown[]): Fault[] {
  const faults = repeated(
    registries.map((registry) => at(registry, 'host')),
    hostPath,
    (first) => `registries[${first}] has the same host (merge the two)`,
  )
  for (const [i, registry] of registries.entries()) {
    if (!isMapping(registry)) continue
    if (registry['insecure'] === true && registry['skipTlsVerify'] === true) {
      faults.push({
        path: ['registries', i, 'skipTlsVerify'],
        message: 'plain HTTP has no certificate (keep insecure or skipTlsVerify, not both)',
      })
    }
    if (Object.keys(registry).join() === 'host') {
      faults.push({
        path: hostPath(i),
        message: 'nothing is said about it (add insecure, skipTlsVerify or mirror, or remove it)',
      })
    }
  }
  return faults
}

function entryConflicts(entry: Mapping, defaults: Mapping, path: Path): Fault[] {
  const { destination, pushSecret, pullSecret, images } = entry
  const base = inherit(defaults, { destination, pushSecret, pullSecret })
  if (images === undefined) return imageConflicts(base, entry, path)
  const own = list(images)
  const merged = own.map((image) => inherit(base, mapping(image)))
  return [
    ...repeated(
      own.map((image) => at(image, 'name')),
      (i) => [...path, 'images', i, 'name'],
      (first) =>
        `images[${first}] has the same name, whatever the case, and so the same commit status (rename one)`,
    ),
    ...merged.flatMap((image, i) => imageConflicts(image, mapping(own[i]), [...path, 'images', i])),
    ...sharedTags(merged).map(({ index, first, tag }) => ({
      path: [...path, 'images', index, 'destination'],
      message: sharedTag(`images[${first}]`, tag),
    })),
  ]
}

const sharedTag = (first: string, tag: unknown): string =>
  `${first} pushes the tag ${JSON.stringify(tag)} to the same destination (give one of them another destination or other tags)`

/** `own`: what it says itself, without what it inherits. */
function imageConflicts(image: Mapping, own: Mapping, path: Path): Fault[] {
  const faults: Fault[] = []
  if (image['destination'] === undefined) {
    faults.push({
      path: [...path, 'destination'],
      message: 'missing (say where the image is pushed: registry.acme.io/{owner}/{repo})',
    })
  }
  faults.push(...nodeConflicts(image, path))
  if (image['sparse'] === true && (image['context'] ?? '.') === '.') {
    faults.push({
      path: [...path, 'sparse'],
      message:
        'the context is the whole repository, so there is nothing to leave out (say a context, or leave sparse out)',
    })
  }
  if (image['singleSnapshot'] === true && at(image['cache'], 'enabled') === true) {
    faults.push({
      path: [...path, 'singleSnapshot'],
      message: 'the cache keeps the layer of each step, and there is one for all (turn one off)',
    })
  }
  const isScanned = image['scan'] !== undefined && at(image['scan'], 'enabled') !== false
  if (isScanned && image['backend'] === 'tekton') {
    faults.push({
      path: [...path, 'scan'],
      message:
        'Tekton starts all containers of a build at once, so that nothing is scanned before it is published (say backend: job, or scan: { enabled: false })',
    })
  }
  if (own['publish'] === 'together' && isScanned) {
    const message = 'what is scanned is always published apart (leave it out, or the scan)'
    faults.push({ path: [...path, 'publish'], message })
  }
  if (image['publish'] === 'apart' && image['backend'] === 'tekton') {
    faults.push({
      path: [...path, 'publish'],
      message:
        'Tekton starts all containers of a build at once, so that nothing is published apart (say backend: job, or publish: together)',
    })
  }
  if (own['publish'] === 'together' && list(image['platforms']).length > 1) {
    const message = 'several platforms are always published apart (leave it out)'
    faults.push({ path: [...path, 'publish'], message })
  }
  // One that differs from the others in this alone need not take back what they say.
  const differs = own['publish'] === 'together' && own['pullSecret'] === undefined
  const apart = image['publish'] === 'apart' || list(image['platforms']).length > 1 || isScanned
  if (image['pullSecret'] !== undefined && !apart && !differs) {
    faults.push({
      path: [...path, 'pullSecret'],
      message:
        'where Kaniko pushes, it has one login for all: pushSecret (say publish: apart, or remove it)',
    })
  }
  const requests = mapping(at(image['resources'], 'requests'))
  const limits = mapping(at(image['resources'], 'limits'))
  for (const [resource, request] of Object.entries(requests)) {
    const limit = limits[resource]
    if ((parseQuantity(String(request)) ?? 0) > (parseQuantity(String(limit)) ?? Infinity)) {
      faults.push({
        path: [...path, 'resources', 'requests', resource],
        message: `the request ${String(request)} is more than the limit ${String(limit)} (lower one, or raise the other)`,
      })
    }
  }
  return faults
}

/** A node that cannot be: of another platform than the image's, or one on which Kaniko does not run. */
export function nodeConflicts(image: Mapping, path: Path): Fault[] {
  const labels = mapping(image['nodeSelector'])
  const platforms = list(image['platforms']).filter((each) => typeof each === 'string')
  const faults: Fault[] = []
  const fault = (label: string, message: string): void =>
    void faults.push({ path: [...path, 'nodeSelector', label], message })
  if (image['crossBuild'] === true && platforms.length === 0) {
    const message = 'says nothing without platforms (name them, or leave it out)'
    faults.push({ path: [...path, 'crossBuild'], message })
  }
  if (platforms.length > 1 && image['backend'] === 'tekton') {
    const message = 'Tekton builds one platform alone (say backend: job, or keep one of them)'
    faults.push({ path: [...path, 'platforms'], message })
  }
  const os = labels['kubernetes.io/os']
  if (typeof os === 'string' && os !== 'linux') {
    fault('kubernetes.io/os', `builds run on Linux nodes alone, not on ${os} (leave it out)`)
  }
  const arch = labels['kubernetes.io/arch']
  const wanted = platforms.map((each) => each.split('/')[1]).find((each) => each !== arch)
  if (typeof arch === 'string' && wanted !== undefined && image['crossBuild'] !== true) {
    fault(
      'kubernetes.io/arch',
      `platforms wants a node of ${wanted}, not of ${arch} (leave it out, or change platforms)`,
    )
  }
  return faults
}

/** Pairs of images that would push the same tag: the later one to push would win. */
export function sharedTags(
  images: readonly Mapping[],
): { readonly index: number; readonly first: number; readonly tag: unknown }[] {
  return images.flatMap((image, index) => {
    for (const [first, other] of images.slice(0, index).entries()) {
      if (!placesOf(image).some((place) => placesOf(other).includes(place))) continue
      const tag = tagsOf(image).find((each) => tagsOf(other).includes(each))
      if (tag !== undefined) return [{ index, first, tag }]
    }
    return []
  })
}

/** A fault for each text that was there before, whatever the case. */
export function repeated(
  texts: readonly unknown[],
  path: (index: number) => Path,
  message: (first: number) => string,
): Fault[] {
  const seen = new Map<string, number>()
  const faults: Fault[] = []
  for (const [i, text] of texts.entries()) {
    if (typeof text !== 'string') continue
    const key = text.toLowerCase()
    const first = seen.get(key)
    if (first === undefined) seen.set(key, i)
    else faults.push({ path: path(i), message: message(first) })
  }
  return faults
}

const mapping = (value: unknown): Mapping => (isMapping(value) ? value : {})
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const at = (value: unknown, key: string): unknown => mapping(value)[key]
const hostPath = (i: number): Path => ['registries', i, 'host']
const placesOf = (image: Mapping): readonly unknown[] => [image['destination'] ?? []].flat()
const tagsOf = (image: Mapping): readonly unknown[] => list(image['tags'] ?? defaultTags)
