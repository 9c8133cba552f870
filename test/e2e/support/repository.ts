import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestCluster } from '../../cluster/cluster.ts'
import { createGiteaClient } from '../../cluster/gitea-client.ts'
import { run } from '../../cluster/support/command.ts'

export interface GiteaStatus {
  readonly context: string
  readonly status: string
  readonly description: string
  readonly target_url: string
}

/** A repository on the real Gitea with a checkout of it, pushed to by the git command. */
export interface TestRepository {
  readonly id: number
  /** `owner/name` */
  readonly path: string
  /** Writes files (undefined: removes one), commits them on the present branch, and returns the commit. */
  commit(files: Readonly<Record<string, string | undefined>>): Promise<string>
  /** The same with files that somebody else writes into the checkout. */
  commitFolder(write: (folder: string) => Promise<void>): Promise<string>
  git(...args: readonly string[]): Promise<string>
  /** `git push` of these refspecs, with the login that its owner has. */
  push(...refspecs: readonly string[]): Promise<void>
  /** Every status of the commit that Gitea was told, oldest first. */
  statuses(sha: string): Promise<GiteaStatus[]>
  remove(): Promise<void>
}

export interface TestRepositoryOptions {
  readonly cluster: TestCluster
  readonly name: string
  /** Anybody may read it; false unless said. */
  readonly public?: boolean
  /** Where its webhook posts to, and by which secret; undefined: it has none. */
  readonly webhook?: { readonly url: string; readonly secret: string }
}

export async function createRepository(options: TestRepositoryOptions): Promise<TestRepository> {
  const { cluster, name, webhook } = options
  const { gitea } = cluster
  const client = createGiteaClient(gitea)
  const {
    id,
    fullName: path,
    ...made
  } = await client.createRepository(name, {
    private: !options.public,
  })
  if (webhook) await client.addWebhook(path, webhook.url, webhook.secret)

  const folder = await mkdtemp(join(tmpdir(), 'kanihook-repository-'))
  const environment = {
    PATH: process.env['PATH'],
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Dev',
    GIT_AUTHOR_EMAIL: 'dev@kanihook.test',
    GIT_COMMITTER_NAME: 'Dev',
    GIT_COMMITTER_EMAIL: 'dev@kanihook.test',
  }
  const git = async (...args: readonly string[]): Promise<string> =>
    (await run('git', args, { cwd: folder, env: environment })).trim()
  await git('init', '--quiet', '--initial-branch=main')
  await git('remote', 'add', 'origin', client.authenticatedUrl({ id, fullName: path, ...made }))

  async function commitFolder(write: (folder: string) => Promise<void>): Promise<string> {
    await write(folder)
    await git('add', '--all')
    await git('commit', '--quiet', '--allow-empty', '--message', 'change')
    return git('rev-parse', 'HEAD')
  }

  return {
    id,
    path,
    git,
    commitFolder,
    commit: (files) =>
      commitFolder(async () => {
        for (const [file, content] of Object.entries(files)) {
          const target = join(folder, file)
          await mkdir(dirname(target), { recursive: true })
          if (content === undefined) await rm(target)
          else await writeFile(target, content)
        }
      }),
    push: async (...refspecs) => void (await git('push', '--quiet', 'origin', ...refspecs)),
    async statuses(sha) {
      const url = `${gitea.url}/api/v1/repos/${path}/statuses/${sha}?sort=oldest&limit=50`
      const response = await fetch(url, { headers: { authorization: `token ${gitea.token}` } })
      if (!response.ok) throw new Error(`${url}: ${response.status}`)
      return (await response.json()) as GiteaStatus[]
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
