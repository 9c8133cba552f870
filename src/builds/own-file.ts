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

/**
 * The same with the tags that kanihook.yaml says: whoever may not push to a branch that is built must not
 * name a tag by the file of a pull request (`v1.2.{pr}` is a release, for one of the right number).
 */
export function withTagsOf({ images: own }: RepositoryRule, at: ImagesAt): ImagesAt {
  // One that the file alone names is below the single image of the entry.
  const tagsOf = (name: string) => (own.find((image) => image.name === name) ?? own[0])?.tags
  const images = at.images.map((image) => ({ ...image, tags: tagsOf(image.name) ?? image.tags }))
  const said = [...(at.said ?? [])].map(
    ([name, keys]) => [name, keys.filter((key) => key !== 'tags')] as const,
  )
  return { ...at, images, said: new Map(said) }
}
