import type { SecretKey } from '../builds/build.ts'
import { severities } from '../builds/scan.ts'
import type { Config, EntryConfig, ImageConfig, Refinable, UploadConfig } from './config.ts'
import type { ConfigFile, ImageSettings } from './config-schema.ts'
import { inherit } from './inherit.ts'
import { isForUploads } from './templates.ts'
import { uploadDefaults } from './upload-defaults.ts'

type EntryFile = ConfigFile['repositories'][number]
type UploadFile = NonNullable<ConfigFile['uploads']>[number]

export const defaultTags: readonly string[] = ['{branch}', '{tag}', '{shortSha}']
const minute = 60_000

/** Fills in what the file leaves out: an image's value, else the entry's, else `defaults`, else ours. */
export function resolveConfig(file: ConfigFile): Config {
  return {
    entries: file.repositories.map((entry) => resolveEntry(entry, file.defaults ?? {})),
    uploads: (file.uploads ?? []).map((upload) => resolveUpload(upload, file.defaults ?? {})),
    registries: (file.registries ?? []).map((registry) => ({
      host: registry.host,
      insecure: registry.insecure ?? false,
      skipTlsVerify: registry.skipTlsVerify ?? false,
      mirror: registry.mirror,
    })),
  }
}

/** An upload is the whole context, whatever `defaults` say of the context in a repository. */
function resolveUpload(upload: UploadFile, defaults: ImageSettings): UploadConfig {
  const { name } = upload
  const image = inherit(uploadDefaults(defaults), upload)
  const tags = (image.tags ?? defaultTags).filter(isForUploads)
  return { ...resolveImage({ ...image, tags }), name }
}

function resolveEntry(entry: EntryFile, defaults: ImageSettings): EntryConfig {
  const { destination, pushSecret, pullSecret, cloneSecret, namespace } = entry
  const shared = {
    ...(cloneSecret !== undefined && { cloneSecret }),
    ...(namespace !== undefined && { namespace }),
  }
  const base = inherit(defaults, { destination, pushSecret, pullSecret })
  const images: Refinable['images'] = (
    entry.images?.map((image) => inherit(base, image)) ?? [base]
  ).map((image) => ({ ...image, ...shared }))
  return {
    match: entry.match,
    branches: entry.branches,
    tags: entry.tags ?? [],
    pullRequests: entry.pullRequests ?? 'never',
    report: entry.report ?? 'each',
    ...shared,
    ...(entry.webhookSecret !== undefined && { webhookSecret: entry.webhookSecret }),
    images: images.map(resolveImage),
    refinable:
      entry.repositoryFile === 'ignore'
        ? undefined
        : { listed: entry.images !== undefined, images },
  }
}

/** Fills in our defaults. */
export function resolveImage(image: Refinable['images'][number]): ImageConfig {
  const context = image.context ?? '.'
  return {
    name: image.name,
    // A file with an image that has none was refused.
    destinations: [image.destination!].flat(),
    tags: image.tags ?? defaultTags,
    context,
    dockerfile: image.dockerfile ?? (context === '.' ? 'Dockerfile' : `${context}/Dockerfile`),
    target: image.target,
    ...resolveBuildArgs(image.buildArgs ?? {}),
    labels: image.labels ?? {},
    ...resolvePlatforms(image),
    ...(image.backend && { backend: image.backend }),
    resources: resolveResources(image.resources),
    ...resolvePod(image),
    pushSecret: image.pushSecret,
    ...(image.namespace !== undefined && { namespace: image.namespace }),
    ...(image.cloneSecret !== undefined && { cloneSecret: image.cloneSecret }),
    ...resolvePublishing(image),
    ...resolveScan(image),
    cache: {
      enabled: image.cache?.enabled ?? false,
      ttlMs: image.cache?.ttl ?? 336 * 60 * minute,
      repository: image.cache?.repository,
      ...(image.cache?.copyLayers && { copyLayers: true }),
    },
    ...resolveLayers(image),
    paths: image.paths && { include: image.paths.include, exclude: image.paths.exclude ?? [] },
    timeoutMs: image.timeout ?? 30 * minute,
    startTimeoutMs: image.startTimeout ?? 10 * minute,
    ...(image.submodules && { submodules: true }),
    ...(image.lfs && { lfs: true }),
    ...(image.sparse && { sparse: true }),
    verbosity: image.verbosity ?? 'info',
    ...(image.logFormat && { logFormat: image.logFormat }),
  }
}

/** A login for pulls alone that nobody would use was refused. */
const resolvePublishing = (image: ImageSettings): Partial<ImageConfig> =>
  isPublishedApart(image)
    ? { publish: 'apart', ...(image.pullSecret !== undefined && { pullSecret: image.pullSecret }) }
    : {}

/**
 * Kaniko cannot push by digest alone, as the images of several platforms are until they are one, nor wait
 * for a scan.
 */
export const isPublishedApart = ({ publish, platforms = [], scan }: ImageSettings): boolean =>
  publish === 'apart' || platforms.length > 1 || isScanned(scan)

const isScanned = (scan: ImageSettings['scan']): boolean =>
  scan !== undefined && scan.enabled !== false

function resolveScan({ scan }: ImageSettings): Partial<ImageConfig> {
  if (!scan || !isScanned(scan)) return {}
  const { severity, ignoreUnfixed, ignoreFile, onFindings = 'fail', database } = scan
  return {
    scan: {
      severities: severities.filter((each) => (severity ?? ['HIGH', 'CRITICAL']).includes(each)),
      ...(ignoreUnfixed && { ignoreUnfixed }),
      ...(ignoreFile !== undefined && { ignoreFile }),
      onFindings,
      ...(database && { database }),
    },
  }
}

function resolveBuildArgs(
  args: NonNullable<ImageSettings['buildArgs']>,
): Pick<ImageConfig, 'buildArgs' | 'secretBuildArgs'> {
  const buildArgs: Record<string, string> = {}
  const secretBuildArgs: Record<string, SecretKey> = {}
  for (const [name, value] of Object.entries(args)) {
    if (typeof value === 'string') buildArgs[name] = value
    else secretBuildArgs[name] = value
  }
  return { buildArgs, ...(Object.keys(secretBuildArgs).length > 0 && { secretBuildArgs }) }
}

function resolvePlatforms({
  platforms = [],
  crossBuild,
  nodeTimeout,
}: ImageSettings): Pick<ImageConfig, 'platform' | 'platforms' | 'crossBuild' | 'nodeTimeoutMs'> {
  return {
    platform: platforms.length === 1 ? platforms[0] : undefined,
    ...(platforms.length > 1 && { platforms }),
    ...(crossBuild && { crossBuild }),
    ...(nodeTimeout !== undefined && { nodeTimeoutMs: nodeTimeout }),
  }
}

function resolvePod({
  nodeSelector,
  tolerations,
  priorityClassName,
  serviceAccountName,
}: ImageSettings): Partial<ImageConfig> {
  return {
    ...(nodeSelector && { nodeSelector }),
    ...(tolerations && { tolerations }),
    ...(priorityClassName !== undefined && { priorityClassName }),
    ...(serviceAccountName !== undefined && { serviceAccountName }),
  }
}

function resolveLayers({
  snapshotMode,
  singleSnapshot,
  reproducible,
  compression,
}: ImageSettings): Partial<ImageConfig> {
  return {
    ...(snapshotMode && { snapshotMode }),
    ...(singleSnapshot && { singleSnapshot }),
    ...(reproducible && { reproducible }),
    ...(compression && { compression }),
  }
}

function resolveResources(resources: ImageSettings['resources']): ImageConfig['resources'] {
  return {
    ...(resources?.requests && { requests: texts(resources.requests) }),
    ...(resources?.limits && { limits: texts(resources.limits) }),
  }
}

const texts = (quantities: Readonly<Record<string, string | number>>): Record<string, string> =>
  Object.fromEntries(Object.entries(quantities).map(([name, value]) => [name, String(value)]))
