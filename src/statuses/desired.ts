import type { Build, BuildState } from '../builds/build.ts'
import { describeBuild } from '../builds/describe.ts'
import type { CommitStatus } from '../forges/forge.ts'
import { statusContext } from './context.ts'

const states: Readonly<Record<BuildState, CommitStatus['state']>> = {
  waiting: 'queued',
  starting: 'queued',
  running: 'building',
  succeeded: 'success',
  skipped: 'skipped',
  failed: 'failure',
  error: 'error',
  cancelled: 'cancelled',
  superseded: 'cancelled',
}

/** The worse comes first; what a superseded build says is about another commit. */
const worst: readonly CommitStatus['state'][] = [
  'failure',
  'error',
  'building',
  'queued',
  'success',
  'skipped',
  'cancelled',
]

/**
 * The status that a commit's context should show: that of its build, or of the worse build where
 * several refs at this commit share the context. Undefined without builds.
 */
export function desiredStatus(
  builds: readonly Build[],
  pageUrl: (id: string) => string | undefined,
): { status: CommitStatus; build: Build } | undefined {
  const rank = (build: Build): number => worst.indexOf(states[build.state])
  const [build] = builds.toSorted((a, b) => rank(a) - rank(b) || b.createdAt - a.createdAt)
  if (!build) return undefined
  const targetUrl = pageUrl(build.id)
  const status = {
    context: statusContext(build),
    state: states[build.state],
    description: describeBuild(build),
    ...(targetUrl === undefined ? {} : { targetUrl }),
  }
  return { status, build }
}
