import { PermanentError, RetryLater } from '../errors.ts'
import { createMask } from './build-log.ts'
import { jobName, type Build, type Outcome } from './build.ts'
import { duration } from './duration.ts'
import { leftToOthers, movedOn } from './image-plan.ts'
import { indexPart, partOf, type Part } from './parts.ts'
import { isCloned } from './progress.ts'
import type { Cluster, GitAccess, JobRequest, RefStore, SecretValues, Uploads } from './ports.ts'
import { isPullRequest, type Repository } from './push-event.ts'
import { uploadGone } from './upload.ts'
import { deadline, stopped, unseenEnd } from './verdict.ts'

/** Where a build's source comes from. */
export interface Source {
  /**
   * How git gets at the repository: by a Secret of that namespace (undefined: the build namespace), or where none is named by the
   * forge's own login. Throws PermanentError where there is no such login, RetryLater where that
   * cannot be told now.
   */
  access(
    repository: Repository,
    cloneSecret: string | undefined,
    namespace?: string,
  ): Promise<GitAccess>
}

export interface StartOptions {
  readonly refs: Pick<RefStore, 'claimTag'>
  readonly cluster: Pick<Cluster, 'start' | 'observe'>
  readonly secrets: SecretValues
  readonly source: Source
  readonly uploads: Uploads
}

/** How to keep a build's secrets out of its log, or why it has nothing to build any more. */
export type Started = { readonly mask: (text: string) => string } | { readonly outcome: Outcome }

/**
 * Creates the Job of the present try of a build, or of a part of it, or finds it. `adopted`: an earlier
 * runner may have made it. Throws what `endOfStart` judges.
 */
export async function startJob(
  build: Build,
  part: Part,
  adopted: boolean,
  options: StartOptions,
): Promise<Started> {
  const { refs, cluster, secrets } = options
  const { tries, state } = partOf(build, part)
  const found = adopted ? await cluster.observe(jobName(build, tries, part)) : undefined
  const vanished = state === 'running' && found?.phase === 'absent'
  if (vanished || (found && isCloned(found))) {
    // The clone is done: a forge that refuses a login now must not end the build. What vanished is
    // judged as such, and gets a new try.
    return { mask: createMask((await secrets.of(build)).values) }
  }
  const [origin, { values, missing }] = await Promise.all([
    originOf(build, part, options),
    secrets.of(build),
  ])
  if (!origin) return { outcome: { state: 'error', reason: uploadGone } }
  if (missing !== undefined) return { outcome: { state: 'error', reason: missing } }
  const destinations = await ownDestinations(build, refs)
  if (destinations.length === 0) {
    if (isPullRequest(build.ref)) return { outcome: leftToOthers }
    return { outcome: { state: 'superseded', reason: movedOn } }
  }
  const own = { ...build, plan: { ...build.plan, destinations } }
  await cluster.start({ build: own, part, tries, ...origin })
  const { credential } = origin
  return { mask: createMask([...(credential ? [credential.password] : []), ...values]) }
}

/** Where the source is, and the login for it; undefined: it is gone. */
async function originOf(
  { repository, plan: { upload, cloneSecret, namespace } }: Build,
  part: Part,
  { source, uploads }: Pick<StartOptions, 'source' | 'uploads'>,
): Promise<Pick<JobRequest, 'cloneUrl' | 'otherUrl' | 'credential'> | undefined> {
  if (!upload) {
    // The index is made of what is in the registry.
    if (part === indexPart) return { cloneUrl: '', credential: undefined }
    const {
      url: cloneUrl,
      otherUrl,
      login,
    } = await source.access(repository, cloneSecret, namespace)
    // A Secret that is there already is read by the clone itself; its values are among those of the build.
    const credential = cloneSecret === undefined && 'password' in login ? login : undefined
    return { cloneUrl, otherUrl, credential }
  }
  if (part === indexPart) return { cloneUrl: '', credential: undefined }
  const held = await uploads.find(upload.id)
  return held && { cloneUrl: held.url, credential: { username: 'upload', password: held.token } }
}

/** Its destinations without the tags that became another's since it was planned. */
async function ownDestinations(
  { plan, moving = [] }: Build,
  refs: StartOptions['refs'],
): Promise<readonly string[]> {
  const lost = new Set<string>()
  for (const claim of moving) if (await refs.claimTag(claim)) lost.add(claim.destination)
  return plan.destinations.filter((destination) => !lost.has(destination))
}

/**
 * What an error of the start makes of the build; undefined: it is tried again. A full quota and a
 * silent API server are waited for, as long as a start may take. Pure.
 */
export function endOfStart(build: Build, error: unknown, now: number): Outcome | undefined {
  if (error instanceof PermanentError) return { state: 'error', reason: error.message }
  if (!(error instanceof RetryLater)) return undefined
  if (build.stop) return stopped(build.stop)
  // One that was seen to run goes on in the cluster, whoever cannot be asked.
  if (build.state === 'running') return unseenEnd(build, now)
  if (now <= deadline(build)) return undefined
  const limit = duration(build.plan.startTimeoutMs)
  return { state: 'error', reason: `Not started within ${limit}: ${error.message}` }
}
