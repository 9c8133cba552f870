import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { giteaDelivery } from '../stand-ins/gitea/delivery.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'

/** kanihook as an orchestrator stops it: real processes, real signals. */

const secret = 'a secret of the webhook'
const entry = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

let redis: TestRedis
let folder: string
let settings: Record<string, string>
const running: ChildProcess[] = []

before(async () => {
  redis = await startRedis()
  folder = await mkdtemp(join(tmpdir(), 'kanihook-stopping-'))
  const [config, kubeconfig] = [join(folder, 'kanihook.yaml'), join(folder, 'kubeconfig')]
  await writeFile(
    config,
    'repositories: [{ match: "**", destination: "r.example.com/{owner}/{repo}" }]',
  )
  const nowhere = `http://127.0.0.1:${await freePort()}`
  await writeFile(
    kubeconfig,
    JSON.stringify({
      clusters: [{ name: 'away', cluster: { server: nowhere } }],
      contexts: [{ name: 'away', context: { cluster: 'away', user: 'away' } }],
      users: [{ name: 'away', user: { token: 'none' } }],
      'current-context': 'away',
    }),
  )
  settings = {
    PATH: process.env['PATH'] ?? '',
    PORT: '0',
    ADMIN_PORT: '0',
    ADMIN_HOST: '127.0.0.1',
    KANIHOOK_ROLES: 'receiver',
    REDIS_URL: redis.url,
    KANIHOOK_CONFIG: config,
    KUBECONFIG: kubeconfig,
    GITEA_URL: nowhere,
    GITEA_TOKEN: 'none',
    GITEA_WEBHOOK_SECRETS: secret,
    PUBLIC_URL: 'https://hooks.example.com',
    LINK_SECRETS: 'a secret of the links that is long enough',
    // So long that a test sees whether it was what ended the process.
    SHUTDOWN_TIMEOUT: '10m',
  }
})
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
})
after(async () => {
  await redis.stop()
  await rm(folder, { recursive: true, force: true })
})

interface Serving {
  readonly child: ChildProcess
  /** All that it printed. */
  output(): string
  /** The port of `admin listens` or `receiver listens`, when it is said. */
  port(of: string): Promise<number>
  /** Resolves with how it ended, which must be soon. */
  ended(): Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

function serve(overrides: Record<string, string> = {}, wrapper: readonly string[] = []): Serving {
  const [command, ...args] = [...wrapper, process.execPath, entry, 'serve']
  const child = spawn(command, args, {
    env: { ...settings, ...overrides },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  }
  return {
    child,
    output: () => output,
    port: (of) =>
      eventually(() => {
        const line = output.split('\n').find((line) => line.includes(`"${of} listens"`))
        return line === undefined ? undefined : (JSON.parse(line) as { port: number }).port
      }),
    ended: () =>
      eventually(() => {
        const { exitCode: code, signalCode: signal } = child
        return code === null && signal === null ? undefined : { code, signal }
      }),
  }
}

const push = Buffer.from(
  JSON.stringify({
    ref: 'refs/heads/main',
    before: '0'.repeat(40),
    after: 'a'.repeat(40),
    repository: { id: 1, full_name: 'acme/app', default_branch: 'main' },
  }),
)
function pushRequest(): string {
  const { headers } = giteaDelivery({ secret, body: push })
  const all = { host: 'hooks.example.com', ...headers, 'content-length': String(push.length) }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `POST /webhooks/gitea HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** A client's connection that stays open, and all that came back on it. */
async function connect(port: number): Promise<{ socket: net.Socket; received: () => string }> {
  const socket = net.connect(port, '127.0.0.1')
  let received = ''
  socket.on('data', (data) => (received += data.toString()))
  await once(socket, 'connect')
  return { socket, received: () => received }
}

/** A receiver that is asked to stop while the body of a push is still on its way. */
async function stopAmidPush() {
  const serving = serve()
  const [admin, receiver] = [await serving.port('admin'), await serving.port('receiver')]
  const idle = await connect(receiver)
  idle.socket.write(`GET / HTTP/1.1\r\nHost: hooks.example.com\r\n\r\n`)
  await eventually(() => idle.received().includes('HTTP/1.1 404'))
  const ready = async () => (await fetch(`http://127.0.0.1:${admin}/readyz`)).status
  await eventually(async () => (await ready()) === 200)
  const busy = await connect(receiver)
  busy.socket.write(pushRequest())
  busy.socket.write(push.subarray(0, 10))
  // Another request's answer: by then the receiver has read the first one's head.
  assert.equal((await fetch(`http://127.0.0.1:${receiver}/`)).status, 404)
  serving.child.kill('SIGTERM')
  return { serving, idle, busy, ready }
}

test('a stop is said by /readyz at once, and what is on its way is answered for the last time', async () => {
  const { serving, idle, busy, ready } = await stopAmidPush()
  await eventually(async () => (await ready()) === 503)
  idle.socket.write(pushRequest())
  idle.socket.write(push)
  busy.socket.write(push.subarray(10))
  for (const { received } of [idle, busy]) {
    await eventually(() => /HTTP\/1\.1 202 /.test(received()), { what: 'the push is accepted' })
    assert.match(received().slice(received().indexOf('HTTP/1.1 202')), /connection: close/i)
  }
  assert.deepEqual(await serving.ended(), { code: 0, signal: null })
})

test('a second signal ends it at once, with the code of a process that died of it', async () => {
  const { serving, ready } = await stopAmidPush()
  await eventually(async () => (await ready()) === 503)
  serving.child.kill('SIGINT')
  assert.deepEqual(await serving.ended(), { code: 130, signal: null })
})

test('a Redis that is not there yet does not hold up the stop', async () => {
  const away = { REDIS_URL: `redis://127.0.0.1:${await freePort()}` }
  const serving = serve({ ...away, KANIHOOK_ROLES: 'receiver,worker' })
  await serving.port('receiver')
  await eventually(() => serving.output().includes('worker runs'))
  serving.child.kill('SIGTERM')
  assert.deepEqual(await serving.ended(), { code: 0, signal: null })
})

test('nor does one that does not answer and then goes away', async () => {
  const own = await startRedis()
  try {
    const serving = serve({ REDIS_URL: own.url, KANIHOOK_ROLES: 'worker' })
    await eventually(() => serving.output().includes('worker runs'))
    const clients = new Redis(own.url)
    try {
      // Each of the three workers blocks on a read.
      await eventually(async () =>
        /(cmd=bzpopmin.*){3}/s.test(String(await clients.client('LIST'))),
      )
    } finally {
      clients.disconnect()
    }
    own.process.kill('SIGSTOP')
    serving.child.kill('SIGTERM')
    await eventually(() => serving.output().includes('"stopping'))
    own.process.kill('SIGKILL')
    assert.deepEqual(await serving.ended(), { code: 0, signal: null })
  } finally {
    await own.stop()
  }
})

test('a signal that comes before anything is loaded ends it well', async () => {
  // Signals itself as soon as somebody listens, and says what had been loaded by then.
  const early = `
    import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) })
    process.on('newListener', function once(name) {
      if (name !== 'SIGTERM') return
      process.off('newListener', once)
      console.log('loaded ' + loaded.filter((url) => url.includes('node_modules')).length)
      setImmediate(() => process.kill(process.pid, 'SIGTERM'))
    })`
  const preload = `--import=data:text/javascript,${encodeURIComponent(early)}`
  const serving = serve({ NODE_OPTIONS: preload })
  assert.deepEqual(await serving.ended(), { code: 0, signal: null })
  assert.equal(serving.output(), 'loaded 0\n')
})

const missing = [
  ...(process.platform === 'linux' ? [] : ['Linux']),
  ...(process.getuid?.() === 0 ? [] : ['root']),
  ...(spawnSync('unshare', ['--version']).error ? ['unshare'] : []),
]
test(
  'as the first process of a container it hears SIGTERM, and warns that nothing clears up behind it (needs root on Linux)',
  { skip: missing.length > 0 && `missing: ${missing.join(', ')}` },
  async () => {
    const serving = serve({}, ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'])
    await serving.port('receiver')
    assert.match(serving.output(), /first process of its container/)
    const outer = serving.child.pid
    const inner = await readFile(`/proc/${outer}/task/${outer}/children`, 'utf8')
    process.kill(Number(inner), 'SIGTERM')
    assert.deepEqual(await serving.ended(), { code: 0, signal: null })
  },
)
