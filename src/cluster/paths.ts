import { posix } from 'node:path'
import { PermanentError } from '../errors.ts'

/** Kaniko leaves out of an image what lies under a mount, so this is a path that no Dockerfile uses. */
export const ownFolder = '/kanihook'

/** Where the clone container puts the commit and Kaniko finds it. */
export const contextFolder = `${ownFolder}/context`

/** The archive of an upload, in that folder. */
export const archiveFile = 'upload.tar.gz'
/** Where Kaniko leaves the image as an OCI layout, for those that come after it. */
export const imageFolder = `${ownFolder}/image`

/** Where the scan container keeps its database and its report. */
export const scanFolder = `${ownFolder}/scan`

/** Where the clone container finds an SSH key and the servers that may have it. */
export const sshLoginFolder = `${ownFolder}/git`

/** Where the registry login is mounted: `config.json`. */
export const dockerFolder = `${ownFolder}/docker`

/**
 * The absolute path of a file or folder of the repository. Throws PermanentError where it would leave
 * the repository; the settings refuse such a path long before.
 */
export function inContext(path: string): string {
  const absolute = posix.join(contextFolder, path)
  const inside = absolute === contextFolder || absolute.startsWith(`${contextFolder}/`)
  if (!inside || posix.isAbsolute(path) || path.includes('\0')) {
    throw new PermanentError(`Path leaves the repository: ${JSON.stringify(path)}`)
  }
  return absolute.replace(/\/$/, '')
}
