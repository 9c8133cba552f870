import { posix } from 'node:path'

/** What is wrong with a path inside a repository, or undefined. */
export function repositoryPathFault(path: string): string | undefined {
  if (path === '') return 'is empty (write . for the root of the repository)'
  if (path.includes('://')) return `"${path}" is a URL (name a path in the repository)`
  if (path.startsWith('/'))
    return `"${path}" is absolute (write it relative to the repository's root)`
  if (path.split(/[/\\]/).includes('..'))
    return `"${path}" leaves the repository (leave out the ..)`
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f\\]/.test(path)) return 'has a backslash or a control character (use /)'
  return path.length <= 1024 ? undefined : 'is longer than 1024 characters'
}

/** `./services//api/` → `services/api`; `.` stays. */
export function normalizeRepositoryPath(path: string): string {
  return posix.normalize(path).replace(/\/$/, '')
}
