import type { GitRemote } from './ports.ts'
import type { Repository } from './push-event.ts'
import type { ImageRule, RepositoryRule } from './rules.ts'

/** What is built of a repository at a commit. */
export interface ImagesAt {
  readonly images: readonly ImageRule[]
  /** Why none of them can be built: what is wrong with the repository's own file. */
  readonly problem?: string
  /** By the name of an image: its keys that the repository's own file says. */
  readonly said?: ReadonlyMap<string, readonly string[]>
}

/**
 * The images of an entry, as the repository's own file at the commit shapes them. Where that file is of no use they
 * are the entry's own, since nobody can tell which others were meant. Throws as `GitRemote.file`.
 */
export async function imagesAt(
  { images, ownFile }: RepositoryRule,
  git: Pick<GitRemote, 'file'>,
  repository: Repository,
  sha: string,
): Promise<ImagesAt> {
  if (!ownFile) return { images }
  const { path, maxBytes, refine } = ownFile
  const file = await git.file(repository, sha, path, maxBytes)
  if (file === undefined) return { images }
  // As `.kanihook.yaml is a folder (commit a regular file)`.
  const own = 'problem' in file ? { problem: `${path} ${file.problem}` } : refine(file.text)
  return 'problem' in own ? { images, problem: own.problem } : own
}
