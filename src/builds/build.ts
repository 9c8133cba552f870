import { createHash } from 'node:crypto'
import type { StepName } from './containers.ts'
import type { BuildFacts } from './facts.ts'
import type { Repository } from './push-event.ts'
import type { ScanReport, ScanSettings } from './scan.ts'

/**
 * ```
 * waiting ─▶ starting ─▶ running ─▶ succeeded | failed | error
 *    └──────────┴───────────┴─────▶ cancelled | superseded
 * skipped: ended at its creation
 * ```
 */
export type BuildState = (typeof buildStates)[number]

export const buildStates = [
  'waiting',
  'starting',
  'running',
  'succeeded',
  'failed',
  'error',
  'cancelled',
  'superseded',
  'skipped',
] as const

const active: ReadonlySet<BuildState> = new Set(['waiting', 'starting', 'running'])

/** Whether the build has reached the state it stays in. */
export const isEnded = (state: BuildState): boolean => !active.has(state)

/** Kubernetes quantities, as in a container's `resources`. */
export interface Resources {
  readonly requests?: Readonly<Record<string, string>>
  readonly limits?: Readonly<Record<string, string>>
}

/** Where a value is: a key of a Secret in the build namespace. */
export interface SecretKey {
  readonly secret: string
  readonly key: string
}

/** A taint of nodes that a build's pod tolerates, as the Kubernetes API says it. */
export interface Toleration {
  readonly key?: string | undefined
  readonly operator?: 'Equal' | 'Exists' | undefined
  readonly value?: string | undefined
  readonly effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute' | undefined
}

export interface CacheSettings {
  readonly enabled: boolean
  readonly ttlMs: number
  /** Layers of COPY too. */
  readonly copyLayers?: boolean
}

/** How layers are compressed: gzip by its own level, where nothing is said. */
export interface Compression {
  readonly type?: 'gzip' | 'zstd' | undefined
  readonly level?: number | undefined
}

/** What a build is in the cluster: a Job, or a TaskRun of Tekton. */
export const backendNames = ['job', 'tekton'] as const

export type BackendName = (typeof backendNames)[number]

/**
 * How one image is built, with every template filled in. Durations are milliseconds. What has a `?`
 * came later: plans that are kept in records and on Jobs may not have it.
 */
export interface ImagePlan {
  readonly name: string
  /** A Job unless said. */
  readonly backend?: BackendName
  /** Where it runs and its Secrets are; the build namespace unless said. */
  readonly namespace?: string
  /** `registry/repository:tag`, at least one. */
  readonly destinations: readonly string[]
  /** Folder and Dockerfile relative to the repository's root, without `..`; `.` is the root. */
  readonly context: string
  readonly dockerfile: string
  readonly target: string | undefined
  readonly buildArgs: Readonly<Record<string, string>>
  /** Build arguments whose values are in Secrets of the build namespace: what is here is no secret. */
  readonly secretBuildArgs?: Readonly<Record<string, SecretKey>>
  readonly labels: Readonly<Record<string, string>>
  /** `linux/amd64`, or undefined for whatever the node is, and for several. */
  readonly platform: string | undefined
  /** Two or more, in the order that they have in the image's index. */
  readonly platforms?: readonly string[]
  /** The node need not be of the platform. */
  readonly crossBuild?: boolean
  /** How long a pod waits for a node of its platform where none is; one minute where nothing is said. */
  readonly nodeTimeoutMs?: number
  readonly resources: Resources
  /** Labels that the node must have, beside those of the platform. */
  readonly nodeSelector?: Readonly<Record<string, string>>
  readonly tolerations?: readonly Toleration[]
  readonly priorityClassName?: string
  /** By which a cloud knows the pod; it gets no token of the Kubernetes API. */
  readonly serviceAccountName?: string
  /** With the submodules, at the commits that are recorded. */
  readonly submodules?: boolean
  /** With the content of the files that Git LFS keeps, instead of its pointers. */
  readonly lfs?: boolean
  /** With no files but those of the context, the Dockerfile and its ignore file. */
  readonly sparse?: boolean
  /** The login of the clone: a Secret in the build namespace. Without one it is the forge's. */
  readonly cloneSecret?: string
  /** A dockerconfigjson Secret in the build namespace; undefined: the registry is open. */
  readonly pushSecret: string | undefined
  /** `apart`: a container of its own pushes, and alone holds the push login. Undefined: Kaniko pushes. */
  readonly publish?: 'apart'
  /**
   * Where `publish` is apart, the login of the build's container, for base images and the cache: a
   * dockerconfigjson Secret in the build namespace.
   */
  readonly pullSecret?: string
  /** What is built is scanned before it is published. */
  readonly scan?: ScanSettings
  /** `readOnly`: layers are taken from it, and none is put there. */
  readonly cache: CacheSettings & { readonly repository: string; readonly readOnly?: boolean }
  readonly snapshotMode?: 'full' | 'redo' | 'time'
  readonly singleSnapshot?: boolean
  readonly reproducible?: boolean
  readonly compression?: Compression
  /** From the start of the clone to the end of the push. */
  readonly timeoutMs: number
  /**
   * From the creation of the Job to the start of the clone; and for a later container that something, such
   * as its image, keeps from starting, from the end of the one before it.
   */
  readonly startTimeoutMs: number
  /** Kaniko's `--verbosity`. */
  readonly verbosity: string
  /** Kaniko's `--log-format`; `text` where it is not said. */
  readonly logFormat?: 'text' | 'json' | 'color'
  /** What is built instead of a commit. */
  readonly upload?: Upload
}

/** An archive (tar.gz) of a build's context. A process of kanihook holds it until the build has ended. */
export interface Upload {
  /** 16 hex digits. */
  readonly id: string
  readonly bytes: number
}

/** What makes a build that build; two plans of the same identity are the same build. */
export interface BuildIdentity {
  readonly repository: Repository
  readonly ref: string
  /** Bumped whenever the recorded head of the ref changes or vanishes. */
  readonly generation: number
  readonly image: string
  /** 1, and one more for each deliberate rebuild; 0 stands for a push that could not be planned. */
  readonly attempt: number
  /** The commit that is built and that carries the status (annotated tags peeled). */
  readonly sha: string
}

/** What a build was made with; it never changes. */
export interface BuildPlan extends BuildIdentity {
  readonly id: string
  readonly plan: ImagePlan
  /** The delivery or the person that caused it, for "why was this built?". */
  readonly cause: string
  /** When kanihook heard of the push, in milliseconds since the epoch; undefined for a rebuild. */
  readonly receivedAt?: number
  /**
   * Those of its tags that may become another's while it waits, as `{major}` moves to a newer version:
   * claimed again before they are pushed.
   */
  readonly moving?: readonly TagClaim[]
  /** `sweep`: no delivery of the push led to it. */
  readonly foundBy?: 'sweep'
  /** The branch that a pull request comes from. */
  readonly headBranch?: string
  /** One status stands for the whole push, of which these are all images. */
  readonly summary?: { readonly images: readonly string[] }
}

/** The wish of an image to own a tag. */
export interface TagClaim {
  /** `registry/repository:tag` */
  readonly destination: string
  /** `<forge>/<id>` */
  readonly repositoryId: string
  readonly image: string
  /** The ref that the tag derives from, or empty where it derives from none. */
  readonly ref: string
  /** For `{major}` and `{minor}`: the whole version, compared by precedence. */
  readonly version?: string
  /** Left out where it is another's, for it is a pull request's and made of the commit alone. */
  readonly yields?: boolean
}

export interface Pushed {
  /** `registry/repository:tag` */
  readonly destination: string
  /** `sha256:…` */
  readonly digest: string
}

/** How a build ended. `reason` is a sentence for the person who pushed. */
export type Outcome =
  | { readonly state: 'succeeded'; readonly pushed: readonly Pushed[] }
  | {
      readonly state: 'failed' | 'error' | 'cancelled' | 'superseded' | 'skipped'
      readonly reason: string
    }

/** One line of "what happened when"; times in milliseconds since the epoch. */
export interface Step {
  readonly name: StepName
  readonly at: number
  /** Why it takes long, e.g. "Waiting for capacity: 0/3 nodes are available". */
  readonly note?: string
  /** The part of the build that it is about, see parts.ts; undefined: all of it. */
  readonly part?: string
}

/** What is kept of a part. */
export interface PartRecord {
  /** Infrastructure tries so far. */
  readonly tries: number
  /** Of the image that a platform's Job has pushed. */
  readonly digest?: string
}

/** What was found in the image of a part; without a part, of the build. */
export interface PartScan extends ScanReport {
  readonly part?: string
}

/** A build's record. */
export interface Build extends BuildPlan {
  readonly state: BuildState
  readonly createdAt: number
  readonly endedAt: number | undefined
  readonly steps: readonly Step[]
  readonly outcome: Outcome | undefined
  /** Infrastructure tries so far; each is a Job of its own. */
  readonly tries: number
  /** By name, those that have begun; a build of one Job has none. */
  readonly parts?: Readonly<Record<string, PartRecord>>
  /** Asked to end: by a newer head of its ref, or by a person. The holder of the build obeys. */
  readonly stop: StopRequest | undefined
  /** True where its predecessor was superseded: it is then not superseded while it runs. */
  readonly protected: boolean
  /** Undefined: nothing was seen yet, or an older version kept the record. */
  readonly facts?: BuildFacts
  /** What was found in the image, by platform where it has several. */
  readonly scans?: readonly PartScan[]
}

export type StopRequest =
  | { readonly why: 'superseded'; readonly bySha: string }
  | { readonly why: 'cancelled'; readonly by: string }

/** 16 hex digits: unique enough to be a key, short enough for a Job's name. */
export function buildId(identity: BuildIdentity): string {
  const { repository, ref, generation, image, attempt, sha } = identity
  return createHash('sha256')
    .update(JSON.stringify([repository.forge, repository.id, ref, generation, image, attempt, sha]))
    .digest('hex')
    .slice(0, 16)
}

/**
 * The Job of the n-th infrastructure try (n from 1) of a build, or of a part of it: a valid DNS label of
 * at most 63 characters.
 */
export function jobName(
  build: Pick<BuildPlan, 'id' | 'image'>,
  tries: number,
  part?: string,
): string {
  const suffix = part === undefined ? '' : `-${slug(part.replace(/^linux\//, ''), 14)}`
  const image = slug(build.image, 30 - suffix.length)
  return `kanihook-${image}-${build.id}-${tries}${suffix}`.replace(/-{2,}/g, '-')
}

const slug = (text: string, length: number): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .slice(0, length)
