import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { createLfsStore, type LfsStore } from './lfs-store.ts'

const run = promisify(execFile)

export interface GitServerOptions {
  /** The login that is asked for; undefined: anybody may read. */
  readonly login?: { readonly username: string; readonly password: string }
  /** Serves only what a ref points at, by git's first protocol, as some servers do. */
  readonly refsOnly?: boolean
  /** Git settings that it serves with. */
  readonly config?: Readonly<Record<string, string>>
  /** Sends every request on to the same path of this origin. */
  readonly redirectTo?: string
  /** The same for those of Git LFS alone. */
  readonly redirectLfsTo?: string
  /** From where Git LFS is told to fetch objects; itself unless said. */
  readonly lfsObjectsAt?: () => string
}

/** Git over HTTP, served by git's own `http-backend` on a loopback port. */
export interface GitServer {
  readonly url: string
  /** The folder of the repositories. */
  readonly folder: string
  /** Each request's `Authorization` header, or undefined where there was none. */
  readonly logins: readonly (string | undefined)[]
  /** The path of each request, in the same order. */
  readonly paths: readonly string[]
  /** What it keeps for Git LFS. */
  readonly lfs: LfsStore
  /** Commits the files as all that there is on the ref (`refs/heads/main` unless said). Returns the id. */
  commit(
    repository: string,
    files: Readonly<Record<string, string | { readonly linkTo: string }>>,
    options?: {
      readonly ref?: string
      /** Another ref that points at the commit, too. */
      readonly alsoAt?: string
      readonly parent?: string
      readonly sha256?: boolean
      /** Commits of submodules, by path. */
      readonly submodules?: Readonly<Record<string, string>>
    },
  ): Promise<string>
  stop(): Promise<void>
}

/** Neither this machine's git settings nor its user matter. */
const gitEnv = {
  PATH: process.env['PATH'] ?? '',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'test',
  GIT_AUTHOR_EMAIL: 'test@example.com',
  GIT_COMMITTER_NAME: 'test',
  GIT_COMMITTER_EMAIL: 'test@example.com',
}

const asEnvironment = (config: Readonly<Record<string, string>>): Record<string, string> => ({
  GIT_CONFIG_COUNT: `${Object.keys(config).length}`,
  ...Object.fromEntries(
    Object.entries(config).flatMap(([key, value], index) => [
      [`GIT_CONFIG_KEY_${index}`, key],
      [`GIT_CONFIG_VALUE_${index}`, value],
    ]),
  ),
})

export async function startGitServer(options: GitServerOptions = {}): Promise<GitServer> {
  const folder = await mkdtemp(join(tmpdir(), 'kanihook-git-'))
  const logins: (string | undefined)[] = []
  const paths: string[] = []
  const lfs = createLfsStore()
  const { login, redirectTo, redirectLfsTo } = options
  const expected =
    login && `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { authorization } = request.headers
    const path = request.url ?? '/'
    logins.push(authorization)
    paths.push(path)
    const elsewhere = lfs.isAsked(path) ? (redirectLfsTo ?? redirectTo) : redirectTo
    if (elsewhere !== undefined) {
      // Which keeps the method.
      response.writeHead(307, { location: `${elsewhere}${path}` }).end()
    } else if (expected !== undefined && authorization !== expected) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
    } else if (lfs.isAsked(path)) {
      const own = `http://${request.headers.host}`
      await lfs.answer(request, response, options.lfsObjectsAt?.() ?? own)
    } else await backend(request, response)
  }

  /** One request through git's CGI program. */
  async function backend(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://git')
    const child = spawn('git', ['http-backend'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: {
        ...gitEnv,
        ...asEnvironment(options.config ?? {}),
        GIT_PROJECT_ROOT: folder,
        GIT_HTTP_EXPORT_ALL: '1',
        PATH_INFO: decodeURIComponent(url.pathname),
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method ?? 'GET',
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
        GIT_PROTOCOL: options.refsOnly ? '' : String(request.headers['git-protocol'] ?? ''),
      },
    })
    const input = pipeline(request, child.stdin).catch(() => undefined)
    const chunks: Buffer[] = []
    for await (const chunk of child.stdout) chunks.push(chunk as Buffer)
    await input
    const output = Buffer.concat(chunks)
    const end = output.indexOf('\r\n\r\n')
    const headers = output.subarray(0, end).toString().split('\r\n')
    const pairs = headers.map((header) => header.split(': ') as [string, string])
    const status = pairs.find(([name]) => name === 'Status')?.[1] ?? '200'
    response.writeHead(Number.parseInt(status, 10), Object.fromEntries(pairs))
    response.end(output.subarray(end + 4))
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    folder,
    logins,
    paths,
    lfs,
    async commit(repository, files, options = {}) {
      const { ref = 'refs/heads/main', alsoAt, parent, sha256 = false, submodules = {} } = options
      const bare = join(folder, repository)
      const work = await mkdtemp(join(folder, 'work-'))
      const env = { ...gitEnv, GIT_DIR: bare, GIT_WORK_TREE: work }
      const git = async (...args: string[]): Promise<string> =>
        (await run('git', args, { cwd: work, env })).stdout.trim()
      await run('git', [
        'init',
        '-q',
        '--bare',
        `--object-format=${sha256 ? 'sha256' : 'sha1'}`,
        bare,
      ])
      for (const [path, text] of Object.entries(files)) {
        await mkdir(dirname(join(work, path)), { recursive: true })
        if (typeof text === 'string') await writeFile(join(work, path), text)
        else await symlink(text.linkTo, join(work, path))
      }
      await git('add', '--all', '--force')
      for (const [path, id] of Object.entries(submodules)) {
        await git('update-index', '--add', '--cacheinfo', `160000,${id},${path}`)
      }
      const tree = await git('write-tree')
      const commit = await git('commit-tree', tree, '-m', 'test', ...(parent ? ['-p', parent] : []))
      await git('update-ref', ref, commit)
      if (alsoAt !== undefined) await git('update-ref', alsoAt, commit)
      await rm(work, { recursive: true })
      return commit
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
      await rm(folder, { recursive: true, force: true })
    },
  }
}
