import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../test/cluster/support/command.ts'
import { gitEnvironment } from './forge/git-backend.ts'
import type { DemoForge } from './forge/forge.ts'

/** What the image proves itself by: one file that COPY puts in it, one that RUN makes of that. */
export const copiedFile = 'hello.txt'
export const madeFile = 'HELLO.TXT'

/** A clone of the demo's repository. */
export interface Sample {
  /** Commits a first greeting and pushes it to `main`. Returns the commit's id. */
  push(): Promise<string>
  /** What the file holds in a commit of the forge; undefined where it is not there. */
  read(sha: string, path: string): Promise<string | undefined>
  /** Whether the commit's Dockerfile is still the one that the demo pushed. */
  hasOwnDockerfile(sha: string): Promise<boolean>
}

export const greeting = (now: Date): string =>
  `Hello! This file was committed at ${now.toISOString().slice(0, 19)}Z.\n`

const dockerfile = (baseImage: string): string =>
  [
    `FROM ${baseImage}`,
    `COPY ${copiedFile} /${copiedFile}`,
    `RUN tr a-z A-Z </${copiedFile} >/${madeFile} && cat /${madeFile}`,
    `CMD ["cat", "/${copiedFile}"]`,
    '',
  ].join('\n')

export async function createSample(
  folder: string,
  forge: DemoForge,
  baseImage: string,
): Promise<Sample> {
  await mkdir(folder)
  const env = { ...gitEnvironment, PATH: process.env['PATH'] }
  const git = async (...args: string[]): Promise<string> =>
    (await run('git', args, { cwd: folder, env })).trim()
  await git('init', '--quiet', '--initial-branch=main')
  await git('config', 'user.name', 'demo')
  await git('config', 'user.email', 'demo@kanihook.test')
  await git('remote', 'add', 'origin', forge.loginUrl)

  async function read(sha: string, path: string): Promise<string | undefined> {
    await git('fetch', '--quiet', 'origin')
    const show = ['show', `${sha}:${path}`]
    return await run('git', show, { cwd: folder, env }).catch(() => undefined)
  }

  return {
    async push() {
      await writeFile(join(folder, 'Dockerfile'), dockerfile(baseImage))
      await writeFile(join(folder, copiedFile), greeting(new Date()))
      await git('add', '--all')
      await git('commit', '--quiet', '--message', 'Say hello')
      await git('push', '--quiet', 'origin', 'main')
      return await git('rev-parse', 'HEAD')
    },
    read,
    hasOwnDockerfile: async (sha) => (await read(sha, 'Dockerfile')) === dockerfile(baseImage),
  }
}
