import type { Build, BuildState } from '../builds/build.ts'
import { describeBuild } from '../builds/describe.ts'
import type { CommitStatus } from '../forges/forge.ts'
import type { PageKind } from '../pages/link-keys.ts'
import { statusContext, statusId } from './context.ts'
import { newestPush, summarise } from './summary.ts'

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

/** The page of a build or of a push, by its kind and id; undefined: there are no pages. */
export type PageUrl = (id: string, kind?: PageKind) => string | undefined

type Told = Pick<CommitStatus, 'state' | 'description'>

/**
 * The status that a commit's context should show: that of its build, or of the worse build where several refs at
 * this commit share the context. Where one stands for a whole push, that of its images together. Undefined without
 * builds. `generationOf`: that of a ref now.
 */
export function desiredStatus(
  builds: readonly Build[],
  pageUrl: PageUrl,
  generationOf: (ref: string) => number | undefined = () => undefined,
): { status: CommitStatus; build: Build } | undefined {
  const [worse] = told(builds, generationOf).toSorted(
    (a, b) => rank(a) - rank(b) || b.build.createdAt - a.build.createdAt,
  )
  if (!worse) return undefined
  const { build, state, description } = worse
  const targetUrl = build.summary ? pageUrl(statusId(build), 'push') : pageUrl(build.id)
  const status = {
    context: statusContext(build),
    state,
    description,
    ...(targetUrl === undefined ? {} : { targetUrl }),
  }
  return { status, build }
}

const rank = ({ state }: Told): number => worst.indexOf(state)

/** What each build says, or each push as a whole. */
function told(
  builds: readonly Build[],
  generationOf: (ref: string) => number | undefined,
): (Told & { readonly build: Build })[] {
  const alone = builds.filter(({ summary }) => !summary)
  const together = Map.groupBy(
    builds.filter(({ summary }) => summary),
    ({ ref }) => ref,
  )
  return [
    ...alone.map((build) => ({
      build,
      state: states[build.state],
      description: describeBuild(build),
    })),
    ...[...together].flatMap(([ref, all]) => {
      const push = newestPush(all, generationOf(ref))
      const [build] = push.builds
      return build ? [{ build, ...summarise(push) }] : []
    }),
  ]
}
