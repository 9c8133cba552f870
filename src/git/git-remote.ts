import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { explainSsh } from '../builds/clone-failures.ts'
import type { GitAccess, GitCredential, GitRemote } from '../builds/ports.ts'
import type { Repository } from '../builds/push-event.ts'
import { PermanentError, RetryLater } from '../errors.ts'
import { readFileAt, TooLarge, type FileAtOptions } from './file-at.ts'
import { readRefs, type RemoteRefs } from './remote-refs.ts'
import { runInGroup } from './run-in-group.ts'
import { withSshKey } from './ssh-login.ts'

export interface GitRemoteOptions {
  /** How git gets at a repository. Throws as `Source.access`. */
  readonly access: (repository: Repository) => Promise<GitAccess>
  /** The Secret that this is by; undefined: the forge's own login. For messages. */
  readonly secretOf?: (repository: Repository) => string | undefined
  /** How long one git command may take, in milliseconds. */
  readonly timeoutMs?: number
}

/**
 * Asks a forge's git by the git command: the same for every forge, proxies and private certificate
 * authorities included. A token travels in the environment, for the configured URL alone; redirects
 * are not followed, so it reaches no other host. A key is given to servers that are known alone.
 */
export function createGitRemote({
  access,
  secretOf = () => undefined,
  timeoutMs = 10_000,
}: GitRemoteOptions): GitRemote & {
  /** Every branch and tag (and these refs), and which branch is the default one. Throws as `head`. */
  refs(repository: Repository, also?: readonly string[]): Promise<RemoteRefs>
} {
  async function git(
    repository: Repository,
    reach: GitAccess,
    args: readonly string[],
    cwd?: string,
    more: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const { url, login } = reach
    const about = { repository, secret: secretOf(repository) }
    const call = (env: NodeJS.ProcessEnv): Promise<string> =>
      run(args, { cwd, timeoutMs, env: { ...env, ...more }, about })
    return 'privateKey' in login
      ? withSshKey(login, (env) => call({ ...environment(bySsh), ...env }))
      : call(environment(byHttp(url, login)))
  }

  /**
   * Does something with a bare repository that has these commits, without what the filter leaves out; of a server
   * that refuses it, without what the next one leaves out.
   */
  async function withObjects<T>(
    repository: Repository,
    filters: readonly [string, ...string[]],
    commits: readonly string[],
    use: (ask: FileAtOptions['ask'], url: string) => Promise<T>,
  ): Promise<T> {
    const reach = await access(repository)
    const folder = await mkdtemp(join(tmpdir(), 'kanihook-git-'))
    const ask: FileAtOptions['ask'] = (args, env) => git(repository, reach, args, folder, env)
    const [filter, ...others] = filters
    try {
      const { url } = reach
      const format = commits[0]?.length === 64 ? 'sha256' : 'sha1'
      await ask(['init', '--quiet', '--bare', `--object-format=${format}`, folder])
      const shallow = ['--quiet', '--depth=1', '--no-tags', `--filter=${filter}`]
      await ask(['fetch', ...shallow, '--end-of-options', url, ...commits])
      return await use(ask, url)
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
      // A pattern without glob characters matches its tail; the exact lines are picked out below.
      const patterns = [ref, `${ref}^{}`]
      const reach = await access(repository)
      const question = ['ls-remote', '--end-of-options', reach.url, ...patterns]
      const output = await git(repository, reach, question)
      const ids = new Map(
        output.split('\n').map((line) => line.split('\t').toReversed() as [string, string]),
      )
      const object = ids.get(ref)
      return object === undefined ? undefined : { object, commit: ids.get(`${ref}^{}`) ?? object }
    },

    async refs(repository, also = []) {
      const patterns = ['HEAD', 'refs/heads/*', 'refs/tags/*', ...also]
      const reach = await access(repository)
      const question = ['ls-remote', '--symref', '--end-of-options', reach.url, ...patterns]
      return readRefs(await git(repository, reach, question))
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
        return await withObjects(repository, ['tree:1', 'blob:none'], [commit], (ask, url) =>
          readFileAt({ ask, url, commit, path, maxBytes }),
        )
      } catch (error) {
        if (!(error instanceof ObjectGone)) throw error
        // The ref has moved on meanwhile.
        throw new RetryLater(error.message, { cause: error })
      }
    },
  }
}

const bySsh = { 'protocol.allow': 'never', 'protocol.ssh.allow': 'always' }

function byHttp(
  url: string,
  { username, password }: GitCredential,
): Readonly<Record<string, string>> {
  const login = Buffer.from(`${username}:${password}`).toString('base64')
  return {
    [`http.${url}.extraHeader`]: `Authorization: Basic ${login}`,
    'http.followRedirects': 'false',
    'credential.helper': '',
    'protocol.allow': 'never',
    'protocol.http.allow': 'always',
    'protocol.https.allow': 'always',
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
  /** For messages. */
  readonly about: { readonly repository: Repository; readonly secret: string | undefined }
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
  { cwd, timeoutMs, env, about }: RunOptions,
): Promise<string> {
  const { code, stdout, stderr } = await runInGroup('git', args, { cwd, env, timeoutMs, maxOutput })
  if (code === 0) return stdout
  const said = stderr.trim().split('\n').at(-1) ?? ''
  if (/filter .*(not supported|allows max depth)/.test(stderr)) throw new FilterRefused(said)
  if (/attempting to allocate \d+ over limit/.test(stderr)) throw new TooLarge(said)
  const what = `${about.repository.host}/${about.repository.path}`
  const known = explainSsh(stderr, about)
  if (known) throw new PermanentError(known)
  if (refused.test(stderr)) {
    const login = about.secret === undefined ? 'the forge token' : `Secret ${about.secret}`
    throw new PermanentError(`Git refused access to ${what}: check ${login} (${said})`)
  }
  if (gone.test(stderr)) throw new ObjectGone(`Git has no such object in ${what}`)
  throw new RetryLater(
    `Cannot ask git about ${what}: ${code === undefined ? 'no answer in time' : said}`,
    // git tells no Retry-After: a minute is the least that GitHub asks for.
    /error: 429\b/.test(stderr) ? { afterMs: 60_000 } : {},
  )
}
