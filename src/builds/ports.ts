import type { Build, BuildPlan, BuildState, Outcome, Step, StopRequest, TagClaim } from './build.ts'
import type { ContainerName, ContainerPhase } from './containers.ts'
import type { BuildFacts } from './facts.ts'
import type { Delivery, Repository } from './push-event.ts'
import type { ScanReport } from './scan.ts'

/** What the planner knows of a ref. */
export interface RefRecord {
  /** 0: never seen. */
  readonly generation: number
  /** The recorded commit; undefined: never seen, or gone. */
  readonly head: string | undefined
  /** First seen through a push that named another commit: known, but no reason to build. */
  readonly baseline: boolean
}

/** What a ref points at. They differ for an annotated tag alone, whose `object` is the tag object. */
export interface RefHead {
  readonly commit: string
  readonly object: string
}

/** The forge's git, asked by git's own protocol. */
export interface GitRemote {
  /**
   * What the ref points at now (annotated tags peeled), or undefined where it does not exist.
   * Throws PermanentError without access, RetryLater when the server cannot be asked.
   */
  head(repository: Repository, ref: string): Promise<RefHead | undefined>
  /**
   * Files that differ between two commits, or undefined where that cannot be told (one of them is
   * gone, the list is cut short). Throws RetryLater as above.
   */
  changedFiles(
    repository: Repository,
    from: string,
    to: string,
  ): Promise<readonly string[] | undefined>
  /**
   * The text of a file in the root at a commit that a ref points at, or why it is not read, as the rest of a
   * sentence about it; undefined: there is none. Throws as `head`, and RetryLater where the commit is gone.
   */
  file(
    repository: Repository,
    commit: string,
    path: string,
    maxBytes: number,
  ): Promise<{ readonly text: string } | { readonly problem: string } | undefined>
}

/** Heads of refs and who owns a tag of an image. Each method is atomic. */
export interface RefStore {
  ref(repository: Repository, ref: string): Promise<RefRecord>
  /**
   * Records what the forge's git said. Takes effect only while the generation is still `seen`
   * (nobody recorded a change since it was read); returns the record in force, or undefined where
   * somebody was quicker: read again and ask git again. An equal head keeps its generation.
   * `baseline` is kept with the first generation only.
   */
  recordHead(
    repository: Repository,
    ref: string,
    head: string | undefined,
    options: { readonly seen: number; readonly baseline: boolean },
  ): Promise<RefRecord | undefined>
  /** Records what a Job knows of its ref, where no record is left. Returns the record in force. */
  restoreHead(
    repository: Repository,
    ref: string,
    known: { readonly generation: number; readonly head: string },
  ): Promise<RefRecord>
  /**
   * Records whether a pull request is open, as an event of that time said it (milliseconds since the
   * epoch), unless a later one has spoken. Returns whether it is open.
   */
  pullRequestOpen(
    repository: Repository,
    ref: string,
    said: { readonly open: boolean; readonly at: number },
  ): Promise<boolean>
  /** The commit of a pull request that somebody has approved, if any: the last one. */
  approvedCommit(repository: Repository, ref: string): Promise<string | undefined>
  /** Remembers that a pull request's commit waits for approval, and what is to be planned then. */
  awaitApproval(delivery: Delivery, sha: string): Promise<void>
  /** The id under which this path was first seen; records the given one if there is none. */
  knownRepositoryId(repository: Repository): Promise<string>
  /** The path, in lower case, that the repository of this id was last known by; records the given one if there is none. */
  knownRepositoryPath(repository: Repository): Promise<string>
  /** The repository of this id has this path now. */
  recordRepositoryPath(repository: Repository): Promise<void>
  /**
   * Takes `destination:tag` for its owner. Returns undefined when it is (now) the claimant's, else
   * who owns it. A claim with a version moves forward only. `yields`: whether an owner of another
   * image has nothing more to say.
   */
  claimTag(claim: TagClaim, yields?: (owner: TagClaim) => boolean): Promise<TagClaim | undefined>
  /** Gives back the tags that derive from a ref, for the ref is gone. */
  releaseTags(repository: Repository, ref: string): Promise<void>
}

/** The records of builds. Each method is atomic and safe to repeat. */
export interface BuildStore {
  /**
   * Makes a record if there is none. A new branch build replaces the waiting builds of its image and
   * ref at once and asks the running one to stop unless that one is protected. `created`: the record
   * is new; `superseded`: the ids of the older builds that this ended or asked to stop.
   * Throws RetryLater where the ref's generation is no longer the plan's: it must be planned again.
   */
  create(
    plan: BuildPlan,
    ended?: Outcome,
  ): Promise<{ readonly created: boolean; readonly superseded: readonly string[] }>
  get(id: string): Promise<Build | undefined>
  /** Builds of an image and ref that have not ended, oldest first. */
  active(lane: Lane): Promise<readonly string[]>
  /**
   * What has to end before the build may start, so that no late push moves a tag back: older builds of
   * the same image and ref, oldest first, then those made before it, whatever their ref, whose tags
   * `endsFirst` says it of. One that has started waits for none, so no two wait for each other.
   */
  olderActive(build: Build): Promise<readonly string[]>
  /**
   * Has a build start, or says what is in its way: its repository runs as many as it may (`limit`), and so many
   * (`before`) wait for the same and come before it. Only builds that live are counted: a limit that was lowered
   * ends none, and one that is known to have started is counted without being asked about.
   */
  start(id: string): Promise<{ readonly limit: number; readonly before: number } | undefined>
  /** Builds that may have waited for the end of this one. */
  mayStart(ended: Build): Promise<readonly string[]>
  /** Sets the state of a build that has not ended; returns the record after it, changed or not. */
  update(id: string, change: BuildChange): Promise<Build>
  /** Ends a build that has not ended; the first end stays. Returns the record after it. */
  end(id: string, outcome: Outcome): Promise<Build>
  /** Asks the holder of a build to end it. A waiting build ends at once. Returns the record. */
  requestStop(id: string, stop: StopRequest): Promise<Build>
  /** The head of the image's last success on the ref. */
  lastSuccess(lane: Lane): Promise<string | undefined>
}

/** The builds of one image and ref. */
export type Lane = Pick<BuildPlan, 'repository' | 'ref' | 'image'>

export interface BuildChange {
  readonly state?: Extract<BuildState, 'waiting' | 'starting' | 'running'>
  readonly step?: Step
  readonly tries?: number
  /** In place of those before. */
  readonly facts?: BuildFacts
  /** Of which part `tries`, `digest` and `scan` are; undefined: of the build. */
  readonly part?: string | undefined
  readonly digest?: string
  readonly scan?: ScanReport
}

export interface ContainerEnd {
  readonly exitCode: number
  /** Kubernetes' reason: `Completed`, `Error`, `OOMKilled`, `ContainerStatusUnknown`… */
  readonly reason: string
  /** The termination message, at most 4096 bytes. */
  readonly message: string
}

export type ContainerEnds = Readonly<Partial<Record<ContainerName, ContainerEnd>>>

/** What holds up the start of a pod, or of a container of it. */
export interface Waiting {
  readonly reason: string
  readonly message: string
  /** Since when no node takes the pod, in milliseconds since the epoch. */
  readonly since?: number
  /** An autoscaler has said that it adds a node for it. */
  readonly nodeComing?: boolean
}

/** What the cluster shows of one Job, read off its pod before the Job's own condition. */
export interface JobObservation {
  /** `absent`: no such Job (or its pod is gone while it was never seen to end). */
  readonly phase: 'absent' | 'pending' | ContainerPhase | 'ended'
  /**
   * Why a pending pod does not start, or the container that `phase` names: `Unschedulable: 0/1 nodes…`,
   * `ImagePullBackOff: …`.
   */
  readonly waiting?: Waiting
  /** The containers that have ended. */
  readonly ends: ContainerEnds
  /** The id of the image that each container has, as the node knows it. */
  readonly ran?: Readonly<Record<string, string>>
  /** A container still runs, though another has failed and nothing will come of it. */
  readonly lingers?: boolean
  /** Why the pod as a whole failed: `Evicted`, `DeadlineExceeded`, `NodeLost`… */
  readonly pod?: { readonly reason: string; readonly message: string }
}

export interface LogLine {
  readonly container: ContainerName
  /** Undefined where the build has one Job, and for its index. */
  readonly platform?: string
  /** RFC 3339 with nanoseconds, as the kubelet wrote it. */
  readonly time: string
  readonly text: string
}

/** A login for git over HTTPS at one configured host. */
export interface GitCredential {
  readonly username: string
  readonly password: string
}

/** A login for git over SSH, and the only servers that it is given to. */
export interface SshKey {
  /** As OpenSSH writes it, without a passphrase. */
  readonly privateKey: string
  /** The server's keys, as in OpenSSH's file of that name. */
  readonly knownHosts: string
}

/** How git gets at a repository: a URL of its configured forge, and the login for it. */
export interface GitAccess {
  /** `https://…`, with a key `ssh://…`. */
  readonly url: string
  /** The same repository by the other of these two ways. */
  readonly otherUrl: string
  readonly login: GitCredential | SshKey
}

export interface JobRequest {
  readonly build: Build
  /** Which of the build's Jobs; undefined: its only one. */
  readonly part?: string | undefined
  /** The infrastructure try, from 1. */
  readonly tries: number
  /** The URL that is cloned, by HTTP or SSH: made of the configured forge and the repository's path. Of an upload: where it is. */
  readonly cloneUrl: string
  /** The same repository by the other of HTTP and SSH; submodules of its host may be named that way. */
  readonly otherUrl?: string
  /**
   * To be put into a Secret for the clone. Undefined: it has the plan's `cloneSecret`, or no login. Of an
   * upload: its token is the password.
   */
  readonly credential: GitCredential | undefined
}

/** A Kubernetes cluster that runs builds. */
export interface Cluster {
  /**
   * Creates the Job and the Secret of its clone container, or adopts the Job of that name if it is
   * of this build and not being deleted. Safe to repeat. Throws PermanentError where the API refuses
   * the Job for good, RetryLater for all else (a Job of that name is still going, quota, no answer).
   */
  start(request: JobRequest): Promise<'created' | 'adopted'>
  /** What is there now. Throws RetryLater when the API does not answer. */
  observe(job: string): Promise<JobObservation>
  /**
   * Resolves when the Job or its pod may have changed, or after `ms` milliseconds, or at once when
   * the signal aborts. A hint; `observe` is the truth.
   */
  changed(job: string, ms: number, signal: AbortSignal): Promise<void>
  /**
   * The lines of one container from its first, following until the container has ended; broken
   * connections are resumed with no line lost or doubled. Ends quietly on abort or when the pod is gone.
   */
  logs(job: string, container: ContainerName, signal: AbortSignal): AsyncIterable<LogLine>
  /** Removes the clone credential as soon as the clone is done. Nothing there is fine. */
  forgetCredential(job: string): Promise<void>
  /**
   * Deletes the Job with its pod. Resolves when both are gone, with the containers that were seen to end: one may
   * have pushed until then. Nothing there is fine. Throws RetryLater when the signal aborts.
   */
  remove(job: string, signal: AbortSignal): Promise<ContainerEnds>
}

/** The archives that wait for their build, each with the process that holds it. */
export interface Uploads {
  /** Where a build's pod fetches one; undefined: it is gone with the process that held it. */
  find(id: string): Promise<HeldUpload | undefined>
}

export interface HeldUpload {
  readonly url: string
  /** For this archive alone, as `Authorization: Bearer`. */
  readonly token: string
}

/** What a build takes from Secrets of the build namespace. */
export interface SecretValues {
  /** Throws RetryLater when it cannot be read. */
  of(build: Build): Promise<BuildSecrets>
}

export interface BuildSecrets {
  /** What must not be seen in the build's log. */
  readonly values: readonly string[]
  /** What is not there and without which the build cannot start, as a sentence. */
  readonly missing?: string
}

/** The kept log of a build: bounded, masked before it comes here. */
export interface LogStore {
  append(buildId: string, lines: readonly LogLine[]): Promise<void>
  /** The time of the last line of a container that was ever appended. */
  lastTime(
    buildId: string,
    source: Pick<LogLine, 'container' | 'platform'>,
  ): Promise<string | undefined>
  /**
   * Lines from the given index on. 0 is the first line that ever was, so that an index stays that of
   * its line when older ones are left out.
   */
  read(buildId: string, from?: number): Promise<StoredLog>
}

export interface StoredLog {
  readonly lines: readonly LogLine[]
  /** How many lines, the first ones, were left out to keep the log within its bound. */
  readonly dropped: number
}
