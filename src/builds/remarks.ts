import type { Build } from './build.ts'
import { duration } from './duration.ts'

/** From here on a context without a `.dockerignore` is worth a remark. */
export const largeContext = { bytes: 100 * 1024 ** 2, files: 10_000 } as const

/** How long a build without the cache may take before it is worth a remark, in milliseconds. */
export const worthCachingMs = 5 * 60_000

/** What could be better about a build, however it ended: sentences for the person who pushed. */
export function remarks(build: Build): string[] {
  return [contextRemark(build), pointerRemark(build), cacheRemark(build)].filter(
    (text) => text !== undefined,
  )
}

function contextRemark({ facts, plan }: Build): string | undefined {
  const { context } = facts ?? {}
  if (!context || context.dockerignore) return undefined
  const { bytes, files } = context
  if (bytes < largeContext.bytes && files < largeContext.files) return undefined
  const folder = plan.context === '.' ? '' : `${plan.context}/`
  return `Context: ${size(bytes)} in ${files.toLocaleString('en')} files, and no .dockerignore: name what the Dockerfile does not need in ${folder}.dockerignore`
}

function pointerRemark({ facts, plan }: Build): string | undefined {
  const count = facts?.context?.pointers ?? 0
  if (count === 0) return undefined
  const found =
    count === 1
      ? '1 file of the context is a pointer'
      : `${count.toLocaleString('en')} files of the context are pointers`
  return plan.lfs
    ? `${found} of Git LFS, although lfs is on: what leaves them out, fetchexclude in .lfsconfig or .gitattributes?`
    : `${found} of Git LFS, without the content: lfs: true fetches it`
}

function cacheRemark({ plan, steps, endedAt }: Build): string | undefined {
  const building = steps.findLast(({ name }) => name === 'building')
  if (plan.cache.enabled || !building || endedAt === undefined) return undefined
  const ms = endedAt - building.at
  if (ms < worthCachingMs) return undefined
  return `Building took ${duration(ms)} with the cache off: cache: { enabled: true } keeps the layers of RUN for the next build`
}

/** `412 MiB`, `1.2 GiB` */
function size(bytes: number): string {
  const mebibytes = bytes / 1024 ** 2
  return mebibytes < 1024 ? `${Math.round(mebibytes)} MiB` : `${(mebibytes / 1024).toFixed(1)} GiB`
}
