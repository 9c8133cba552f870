import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GitRemote } from '../builds/ports.ts'
import type { Source } from '../builds/start-job.ts'
import type { Repository } from '../builds/push-event.ts'
import { PermanentError, RetryLater } from '../errors.ts'
import { readFileAt, TooLarge, type FileAtOptions } from './file-at.ts'
import { readRefs, type RemoteRefs } from './remote-refs.ts'
import { runInGroup } from './run-in-group.ts'

export interface GitRemoteOptions {
  readonly source: Source
  /** How long one git command may take, in milliseconds. */
  readonly timeoutMs?: number
}

/**
 * Asks a forge's git by the git command: the same for every forge, proxies and private certificate
 * authorities included. The login travels in the environment, for the configured URL alone; redirects
 * are not followed, so it reaches no other host.
 */
export function createGitRemote({ source, timeoutMs = 10_000 }: GitRemoteOptions): GitRemote & {
  /** Every branch and tag (and these refs), and which branch is the default one. Throws as `head`. */
  refs(repository: Repository, also?: readonly string[]): Promise<RemoteRefs>
} {
  async function git(
    repository: Repository,
    args: readonly string[],
    cwd?: string,
    more: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const url = source.cloneUrl(repository)
    const { username, password } = await source.credential(repository)
    const login = Buffer.from(`${username}:${password}`).toString('base64')
    const settings = {
      [`http.${url}.extraHeader`]: `Authorization: Basic ${login}`,
      'http.followRedirects': 'false',
      'credential.helper': '',
      'protocol.allow': 'never',
      'protocol.http.allow': 'always',
      'protocol.https.allow': 'always',
    }
    return run(args, {
      cwd,
      timeoutMs,
      env: { ...environment(settings), ...more },
      what: `${repository.host}/${repository.path}`,
    })
  }

  /**
   * Does something with a bare repository that has these commits, without what the filter leaves out; of a server
   * that refuses it, without what the next one leaves out.
   */
  async function withObjects<T>(
    repository: Repository,
    filters: readonly [string, ...string[]],
    commits: readonly string[],
    use: (ask: FileAtOptions['ask']) => Promise<T>,
  ): Promise<T> {
    const folder = await mkdtemp(join(tmpdir(), 'kanihook-git-'))
    const ask: FileAtOptions['ask'] = (args, env) => git(repository, args, folder, env)
    const [filter, ...others] = filters
    try {
      const url = source.cloneUrl(repository)
      const format = commits[0]?.length === 64 ? 'sha256' : 'sha1'
      await ask(['init', '--quiet', '--bare', `--object-format=${format}`, folder])
      const shallow = ['--quiet', '--depth=1', '--no-tags', `--filter=${filter}`]
      await ask(['fetch', ...shallow, '--end-of-options', url, ...commits])
      return await use(ask)
    } catch (error) {
      const [next, ...rest] = others
      if (!(error instanceof FilterRefused) || next === undefined) throw error
      return await withObjects(repository, [next, ...rest], commits, use)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  return {
    async head(repository, ref) {
      const url = source.cloneUrl(repository)
      // A pattern without glob characters matches its tail; the exact lines are picked out below.
      const output = await git(repository, ['ls-remote', '--end-of-options', url, ref, `${ref}^{}`])
      const ids = new Map(
        output.split('\n').map((line) => line.split('\t').toReversed() as [string, string]),
      )
      const object = ids.get(ref)
      return object === undefined ? undefined : { object, commit: ids.get(`${ref}^{}`) ?? object }
    },

    async refs(repository, also = []) {
      const url = source.cloneUrl(repository)
      const patterns = ['HEAD', 'refs/heads/*', 'refs/tags/*', ...also]
      return readRefs(
        await git(repository, ['ls-remote', '--symref', '--end-of-options', url, ...patterns]),
      )
    },

    async changedFiles(repository, from, to) {
      try {
        // Trees alone tell which files differ: no file's content is fetched.
        return await withObjects(repository, ['blob:none'], [from, to], async (ask) => {
          const names = ['diff', '--name-only', '--no-renames', '-z', '--end-of-options', from, to]
          return (await ask(names)).split('\0').filter((name) => name !== '')
        })
      } catch (error) {
        if (error instanceof PermanentError) return undefined
        throw error
      }
    },

    async file(repository, commit, path, maxBytes) {
      try {
        // The root folder alone, if the server can: the trees of a large repository take their time.
        return await withObjects(repository, ['tree:1', 'blob:none'], [commit], (ask) =>
          readFileAt({ ask, url: source.cloneUrl(repository), commit, path, maxBytes }),
        )
      } catch (error) {
        if (!(error instanceof ObjectGone)) throw error
        // The ref has moved on meanwhile.
        throw new RetryLater(error.message, { cause: error })
      }
    },
  }
}

/** Settings by `GIT_CONFIG_*`, so that no login is seen in a process list or lies on a disk. */
function environment(settings: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const entries = Object.entries(settings)
  return {
    PATH: process.env['PATH'],
    ...proxies(),
    GIT_SSL_CAINFO: process.env['GIT_SSL_CAINFO'] ?? process.env['NODE_EXTRA_CA_CERTS'],
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    LC_ALL: 'C',
    GIT_CONFIG_COUNT: String(entries.length),
    ...Object.fromEntries(
      entries.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  }
}

/** Both spellings are in use, and curl reads `http_proxy` in lower case alone. */
const proxies = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    ['http_proxy', 'https_proxy', 'no_proxy'].map((name) => [
      name,
      process.env[name] ?? process.env[name.toUpperCase()],
    ]),
  )

interface RunOptions {
  readonly cwd: string | undefined
  readonly timeoutMs: number
  readonly env: NodeJS.ProcessEnv
  /** The repository, for messages. */
  readonly what: string
}

/** No ref leads to it any more. */
class ObjectGone extends PermanentError {}

/** The server does not leave out what it was asked to. */
class FilterRefused extends PermanentError {}

const refused =
  /Authentication failed|could not read (Username|Password)|error: 40[134]\b|not found|Access denied/
const gone = /not our ref|couldn't find remote ref|unadvertised object|bad object/

/** Bytes of a command's output; more means that the list is too long to be of use. */
const maxOutput = 16 << 20

async function run(
  args: readonly string[],
  { cwd, timeoutMs, env, what }: RunOptions,
): Promise<string> {
  const { code, stdout, stderr } = await runInGroup('git', args, { cwd, env, timeoutMs, maxOutput })
  if (code === 0) return stdout
  const said = stderr.trim().split('\n').at(-1) ?? ''
  if (/filter .*(not supported|allows max depth)/.test(stderr)) throw new FilterRefused(said)
  if (/attempting to allocate \d+ over limit/.test(stderr)) throw new TooLarge(said)
  if (refused.test(stderr)) {
    throw new PermanentError(`Git refused access to ${what}: check the forge token (${said})`)
  }
  if (gone.test(stderr)) throw new ObjectGone(`Git has no such object in ${what}`)
  throw new RetryLater(
    `Cannot ask git about ${what}: ${code === undefined ? 'no answer in time' : said}`,
  )
}
