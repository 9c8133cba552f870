import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { isZero } from '../../src/builds/push-event.ts'
import { run } from '../../test/cluster/support/command.ts'
import { giteaDelivery } from '../../test/stand-ins/gitea/delivery.ts'
import { createGiteaStandIn } from '../../test/stand-ins/gitea/stand-in.ts'
import { gitBackend, gitEnvironment } from './git-backend.ts'
import type { DemoForge } from './forge.ts'

export interface LocalForgeOptions {
  /** For everything that it writes. */
  readonly folder: string
  /** Told when a webhook was not taken. */
  readonly onRefused: (why: string) => void
}

interface RefChange {
  readonly before: string
  readonly after: string
  readonly ref: string
}

const repository = 'demo/hello'
/** Where git's hook leaves what was pushed. */
const reportVariable = 'KANIHOOK_DEMO_PUSHED'

const postReceive = `#!/bin/sh
echo "This is the forge of kanihook's demo, a stand-in for Gitea: kanihook hears of your push."
exec cat >"$${reportVariable}"
`

/**
 * A stand-in for a Gitea with one private repository: git's own server over HTTP behind a login, the
 * commit statuses of Gitea's API, and a webhook, signed as Gitea signs, for each pushed ref.
 */
export async function startLocalForge({
  folder,
  onRefused,
}: LocalForgeOptions): Promise<DemoForge> {
  const bare = join(folder, `${repository}.git`)
  await mkdir(bare, { recursive: true })
  await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', '--template=', bare], {
    env: gitEnvironment,
  })
  await mkdir(join(bare, 'hooks'))
  await writeFile(join(bare, 'hooks', 'post-receive'), postReceive, { mode: 0o755 })

  const person = { username: 'demo', password: randomBytes(9).toString('base64url') }
  const token = randomBytes(20).toString('hex')
  const webhookSecret = randomBytes(32).toString('hex')
  const commits = new Set<string>()
  const hooks: string[] = []
  const api = await createGiteaStandIn({
    repositories: [repository],
    tokens: [token],
    hasCommit: (_, sha) => commits.has(sha),
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('x-stand-in', 'gitea')
    const login = loginOf(request)
    const isPerson = login?.username === person.username && login.password === person.password
    const writes = /git-receive-pack(?:$|&)/.test(request.url ?? '')
    if (!isPerson && login?.password !== token) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="kanihook demo"' }).end()
    } else if (writes && !isPerson) response.writeHead(403).end()
    else {
      const report = join(folder, randomUUID())
      const env = { [reportVariable]: report }
      await gitBackend(request, response, { root: folder, user: login.username, env })
      await announce(await changesIn(report))
    }
  }

  async function announce(changes: readonly RefChange[]): Promise<void> {
    for (const change of changes) {
      const gone = isZero(change.after)
      if (!gone) commits.add(change.after)
      const body = Buffer.from(JSON.stringify({ ...change, ...about }))
      const event = gone ? 'delete' : 'push'
      const { headers } = giteaDelivery({ secret: webhookSecret, body, event })
      for (const hook of hooks) {
        await fetch(hook, { method: 'POST', headers, body }).then(
          async (said) => said.ok || onRefused(`${said.status} ${await said.text()}`),
          (error: unknown) => onRefused(String(error)),
        )
      }
    }
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const url = `http://${host}`
  const about = {
    commits: [],
    repository: {
      id: randomInt(1, 2 ** 31),
      name: 'hello',
      full_name: repository,
      private: true,
      clone_url: `${url}/${repository}.git`,
      default_branch: 'main',
    },
    pusher: { id: 1, login: person.username },
    sender: { id: 1, login: person.username },
  }
  return {
    facts: [
      'a local stand-in for Gitea: git over HTTP behind a login (real git), signed webhooks,',
      'commit statuses by Gitea’s API; no web pages',
    ],
    url,
    apiUrl: `${api.url}/api/v1`,
    repository,
    loginUrl: `http://${person.username}:${person.password}@${host}/${repository}.git`,
    token,
    webhookSecret,
    addWebhook: async (hook) => void hooks.push(hook),
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
      await api.close()
    },
  }
}

function loginOf({ headers }: IncomingMessage): { username: string; password: string } | undefined {
  const [, encoded] = /^Basic (\S+)$/.exec(headers.authorization ?? '') ?? []
  if (encoded === undefined) return undefined
  const [username = '', password = ''] = Buffer.from(encoded, 'base64').toString().split(':')
  return { username, password }
}

/** The lines that git gives to post-receive (githooks(5)); none where nothing was pushed. */
async function changesIn(report: string): Promise<RefChange[]> {
  const text = await readFile(report, 'utf8').catch(() => '')
  await rm(report, { force: true })
  return text.split('\n').flatMap((line) => {
    const [before, after, ref] = line.split(' ')
    return before && after && ref ? [{ before, after, ref }] : []
  })
}
