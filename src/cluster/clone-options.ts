import type { ImagePlan } from '../builds/build.ts'
import type { JobRequest } from '../builds/ports.ts'

/** What the clone script is to do beside fetching files, as its last arguments. Pure. */
export function cloneOptions({ build, cloneUrl, otherUrl = '' }: JobRequest): string[] {
  const { plan, repository } = build
  return [
    ...(plan.submodules ? ['submodules', ...aliases(cloneUrl, otherUrl, repository.path)] : []),
    ...(plan.lfs ? ['lfs'] : []),
    ...(plan.sparse ? sparsePatterns(plan).map((pattern) => `sparse=${pattern}`) : []),
  ]
}

/**
 * Submodules of the same host may be named by the other protocol, or as people write it for SSH
 * (`git@host:path`): all of them are fetched the way that the repository is, with its login.
 */
function aliases(cloneUrl: string, otherUrl: string, path: string): string[] {
  const depth = path.split('/').length
  const baseOf = (url: string): string => `${url.split('/').slice(0, -depth).join('/')}/`
  const urls = [cloneUrl, otherUrl].filter((url) => url !== '')
  const base = baseOf(cloneUrl)
  const users = urls.map((url) => new URL(url).username).filter((user) => user !== '')
  const hosts = urls.map((url) => new URL(url).hostname)
  const scp = users.flatMap((user) =>
    hosts.flatMap((host) => [`${user}@${host}:`, `ssh://${user}@${host}/`]),
  )
  const others = new Set([...urls.map(baseOf), ...scp])
  others.delete(base)
  return [`base=${base}`, ...[...others].map((prefix) => `alias=${prefix}`)]
}

const literally = (path: string): string => path.replaceAll(/[\\*?[\]!# ]/g, '\\$&')

/** Patterns as of .gitignore for what Kaniko reads, each from the root on. */
export function sparsePatterns({
  context,
  dockerfile,
  submodules,
  lfs,
  scan,
}: Pick<ImagePlan, 'context' | 'dockerfile' | 'submodules' | 'lfs' | 'scan'>): string[] {
  return [
    context === '.' ? '/*' : `/${literally(context)}/`,
    `/${literally(dockerfile)}`,
    `/${literally(dockerfile)}.dockerignore`,
    '/.gitattributes',
    ...(scan?.ignoreFile === undefined ? [] : [`/${literally(scan.ignoreFile)}`]),
    ...(submodules ? ['/.gitmodules'] : []),
    // It may leave files out.
    ...(lfs ? ['/.lfsconfig'] : []),
  ]
}
