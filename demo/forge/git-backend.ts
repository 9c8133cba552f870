import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'

/** Neither this machine's git settings nor its user matter. */
export const gitEnvironment: NodeJS.ProcessEnv = {
  PATH: process.env['PATH'],
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
}

export interface BackendOptions {
  /** The folder of the bare repositories. */
  readonly root: string
  readonly user: string
  /** More for the environment of git and of its hooks. */
  readonly env: Readonly<Record<string, string>>
}

/** Answers one request of git's smart HTTP protocol by git's own CGI program, git-http-backend(1). */
export async function gitBackend(
  request: IncomingMessage,
  response: ServerResponse,
  { root, user, env }: BackendOptions,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://git')
  const child = spawn('git', ['http-backend'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      ...gitEnvironment,
      // Read at each call: folders are added to it after this module is loaded.
      PATH: process.env['PATH'],
      ...env,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      REMOTE_USER: user,
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
  })
  const ended = once(child, 'close')
  const input = pipeline(request, child.stdin).catch(() => undefined) // git need not read it all
  const output = await buffer(child.stdout)
  await Promise.all([input, ended])
  const end = output.indexOf('\r\n\r\n')
  const headers = output.subarray(0, end).toString().split('\r\n')
  const pairs = headers.map((header) => header.split(': ') as [string, string])
  const status = pairs.find(([name]) => name === 'Status')?.[1] ?? '200'
  response.writeHead(Number.parseInt(status, 10), Object.fromEntries(pairs))
  response.end(output.subarray(end + 4))
}
