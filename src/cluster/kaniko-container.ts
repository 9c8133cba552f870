import type { V1Container } from '@kubernetes/client-node'
import type { ImagePlan } from '../builds/build.ts'
import type { RegistrySettings } from '../settings/settings.ts'
import { literal } from './literal.ts'
import { archiveFile, contextFolder, imageFolder, inContext, ownFolder } from './paths.ts'
import { buildLogin } from './registry-login.ts'

/** What differs for Kaniko between the pod of a Job and another's. */
export interface KanikoPlace {
  /** The file that tells what was pushed. */
  readonly report: string
  /** Folders that are the pod's and not the image's. */
  readonly ignore: readonly string[]
}

export const inJob: KanikoPlace = { report: '/dev/termination-log', ignore: [] }

/**
 * Builds the image with the fewest rights that Kaniko works with, and pushes it unless that is done
 * apart.
 */
export function kanikoContainer(
  plan: ImagePlan,
  image: string,
  registries: readonly RegistrySettings[],
  place: KanikoPlace = inJob,
): V1Container {
  const { requests, limits } = plan.resources
  return {
    name: 'build',
    image,
    imagePullPolicy: 'IfNotPresent',
    args: kanikoArgs(plan, registries, place).map(literal),
    ...environment(plan),
    volumeMounts: [
      { name: 'context', mountPath: contextFolder },
      ...(plan.publish === 'apart' ? [{ name: 'image', mountPath: imageFolder }] : []),
      ...buildLogin(plan).volumeMounts,
    ],
    resources: {
      ...(requests ? { requests: { ...requests } } : {}),
      ...(limits ? { limits: { ...limits } } : {}),
    },
    terminationMessagePath: '/dev/termination-log',
    securityContext: {
      runAsUser: 0,
      allowPrivilegeEscalation: false,
      capabilities: {
        drop: ['ALL'],
        add: ['CHOWN', 'FOWNER', 'DAC_OVERRIDE', 'SETUID', 'SETGID', 'SETFCAP', 'KILL'],
      },
      seccompProfile: { type: 'RuntimeDefault' },
    },
  }
}

function environment(plan: ImagePlan): Pick<V1Container, 'env'> {
  const { secretBuildArgs = {} } = plan
  const env = [
    ...buildLogin(plan).env,
    ...Object.entries(secretBuildArgs).map(([name, { secret, key }]) => ({
      name,
      valueFrom: { secretKeyRef: { name: secret, key } },
    })),
  ]
  return env.length > 0 ? { env } : {}
}

/** Flags that Kaniko 1.24 and its maintained fork both know. */
export function kanikoArgs(
  plan: ImagePlan,
  registries: readonly RegistrySettings[],
  { report, ignore }: KanikoPlace,
): string[] {
  const hosts = (key: 'insecure' | 'skipTlsVerify'): string[] =>
    registries.filter((registry) => registry[key]).map(({ host }) => host)
  const mirrors = registries.flatMap(({ host, mirror }) =>
    mirror ? [`${registryName(host)}=${mirror}`] : [],
  )
  return [
    ...contextArgs(plan),
    ...outputArgs(plan),
    ...(plan.target === undefined ? [] : [`--target=${plan.target}`]),
    ...each('build-arg', pairs({ ...platformArgs(plan), ...plan.buildArgs })),
    // Without a value, Kaniko takes it from its environment.
    ...each('build-arg', Object.keys(plan.secretBuildArgs ?? {})),
    ...each('label', pairs(plan.labels)),
    ...(plan.platform === undefined ? [] : [`--custom-platform=${plan.platform}`]),
    ...cacheArgs(plan),
    ...layerArgs(plan),
    ...each('insecure-registry', hosts('insecure')),
    ...each('skip-tls-verify-registry', hosts('skipTlsVerify')),
    ...(mirrors.length > 0 ? [`--registry-map=${mirrors.join(';')}`] : []),
    '--push-retry=3',
    '--image-download-retry=3',
    '--image-fs-extract-retry=3',
    ...(plan.publish === 'apart' ? [] : [`--image-name-tag-with-digest-file=${report}`]),
    ...each('ignore-path', [ownFolder, ...ignore]),
    // kind mounts this file into its nodes' containers.
    '--ignore-path=/product_uuid',
    // Kaniko does not recognise every container runtime, and would refuse to run.
    '--force',
    `--log-format=${plan.logFormat ?? 'text'}`,
    `--verbosity=${plan.verbosity}`,
  ]
}

/** What Docker tells a Dockerfile that asks by ARG. Kaniko 1.24 does not, its fork does. */
function platformArgs({ platform }: ImagePlan): Readonly<Record<string, string>> {
  if (platform === undefined) return {}
  const [TARGETOS = '', TARGETARCH = '', TARGETVARIANT] = platform.split('/')
  return {
    TARGETPLATFORM: platform,
    TARGETOS,
    TARGETARCH,
    ...(TARGETVARIANT === undefined ? {} : { TARGETVARIANT }),
  }
}

/** Where the image goes. */
const outputArgs = ({ publish, destinations }: ImagePlan): string[] =>
  publish === 'apart'
    ? ['--no-push', `--oci-layout-path=${imageFolder}`]
    : each('destination', destinations)

function contextArgs({ upload, context, dockerfile }: ImagePlan): string[] {
  // Relative to the folder that Kaniko itself unpacks it into.
  if (upload) return [`--context=tar://${inContext(archiveFile)}`, `--dockerfile=${dockerfile}`]
  // Absolute: a Dockerfile in the image's working directory would win otherwise.
  return [`--context=dir://${inContext(context)}`, `--dockerfile=${inContext(dockerfile)}`]
}

function cacheArgs({
  cache: { enabled, repository, ttlMs, copyLayers, readOnly },
}: ImagePlan): string[] {
  if (!enabled) return []
  return [
    '--cache=true',
    `--cache-repo=${repository}`,
    `--cache-ttl=${Math.ceil(ttlMs / 1000)}s`,
    ...(copyLayers ? ['--cache-copy-layers=true'] : []),
    ...(readOnly ? ['--no-push-cache=true'] : []),
  ]
}

function layerArgs(plan: ImagePlan): string[] {
  const { snapshotMode, singleSnapshot, reproducible, compression: { type, level } = {} } = plan
  return [
    ...(snapshotMode ? [`--snapshot-mode=${snapshotMode}`] : []),
    ...(singleSnapshot ? ['--single-snapshot=true'] : []),
    ...(reproducible ? ['--reproducible=true'] : []),
    ...(type ? [`--compression=${type}`] : []),
    ...(level === undefined ? [] : [`--compression-level=${level}`]),
  ]
}

const each = (flag: string, values: readonly string[]): string[] =>
  values.map((value) => `--${flag}=${value}`)

const pairs = (map: Readonly<Record<string, string>>): string[] =>
  Object.entries(map).map(([key, value]) => `${key}=${value}`)

/** Kaniko knows Docker Hub by the name of its API. */
const registryName = (host: string): string => (host === 'docker.io' ? 'index.docker.io' : host)
