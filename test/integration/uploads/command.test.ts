import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { blocksOf, root as repositoryRoot } from '../../docs/markdown.ts'
import { fails, hangs, succeeds } from '../../stand-ins/kubernetes/index.ts'
import { sampleBuild } from '../../support/api-samples.ts'
import { tarOf } from '../../support/archives.ts'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { runCommand, startCommand, type CommandRun } from '../../support/run-kanihook.ts'
import { install, type Installation } from '../cli/installation.ts'

/** `kanihook build` as a process, asking a kanihook that runs; what would run in pods is scripted. */

let its: Installation
let root: string
let uploads: string
let context: string

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'kanihook-build-test-'))
  ;[uploads, context] = [join(root, 'uploads'), join(root, 'context')]
  await mkdir(context)
  await writeFile(join(context, 'Dockerfile'), 'FROM scratch\n')
  its = await install(
    `repositories: []
uploads: [{ name: shop, destination: registry.example.com/try/shop, tags: [edge] }]
`,
    { UPLOADS_DIR: uploads, UPLOADS_PORT: '0', MAX_UPLOAD: '1Mi', TMPDIR: root },
  )
})
after(async () => {
  await its?.close()
  await rm(root, { recursive: true, force: true })
})
beforeEach(() => its.runner.byDefault(succeeds))

const build = (...args: string[]) => its.run('build', '--image', 'shop', ...args)

describe('kanihook build', () => {
  it('packs, uploads, follows, and ends with what was pushed by its digest', async () => {
    const { code, out, err } = await build('--context', context)
    assert.equal(code, 0, err)
    assert.match(err, /^Packed 1 file of /m)
    assert.match(err, /^Uploaded \d+ bytes$/m)
    assert.match(err, /^shop of upload [0-9a-f]{12} is built: build [0-9a-f]{16}$/m)
    assert.match(out, /^build Pushed image$/m)
    const [last] = out.split('\n').slice(-1)
    assert.match(last ?? '', /^registry\.example\.com\/try\/shop:edge@sha256:[0-9a-f]{64}$/)
  })

  it('exits with 1 where the build fails, and says why', async () => {
    its.runner.byDefault(
      fails({ exitCode: 1 }, 'error resolving dockerfile path: please provide a valid path'),
    )
    const { code, out, err } = await build('--context', context)
    assert.equal(code, 1)
    assert.match(err, /failed: Dockerfile not found: Dockerfile/)
    assert.doesNotMatch(out, /@sha256:/)
  })

  it('reads a tar from standard input', async () => {
    const tar = await tarOf({ Dockerfile: 'FROM scratch' })
    const args = ['build', '--context', '-', '--image', 'shop']
    const { code, err } = await runCommand(args, its.client, tar)
    assert.equal(code, 0, err)
    const garbage = await runCommand(args, its.client, Buffer.from('FROM scratch'))
    assert.equal(garbage.code, 69)
    assert.match(garbage.err, /standard input is neither a tar nor a tar\.gz/)
  })

  it('reads a folder from outside of its pod by the command of the page', async () => {
    const block = blocksOf('docs/upload.md').find(({ text }) => text.includes('exec -i'))
    const bin = join(root, 'bin')
    await mkdir(bin)
    // Stands for kubectl: runs what is said after `--` in this installation.
    const kubectl = `#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift 2\nexec "$NODE" "$MAIN" "$@"\n`
    await writeFile(join(bin, 'kubectl'), kubectl, { mode: 0o755 })
    await mkdir(join(root, 'there/shop'), { recursive: true })
    await writeFile(join(root, 'there/shop/Dockerfile'), 'FROM scratch\n')
    const { stdout } = await promisify(execFile)('sh', ['-c', block?.text ?? 'exit 1'], {
      cwd: join(root, 'there'),
      env: {
        ...its.client,
        PATH: `${bin}:${process.env['PATH']}`,
        NODE: process.execPath,
        MAIN: join(repositoryRoot, 'src/main.ts'),
      },
    })
    assert.match(stdout.trim().split('\n').at(-1) ?? '', /\/try\/shop:edge@sha256:[0-9a-f]{64}$/)
  })

  it('says what is wrong before anything is sent', async () => {
    const large = join(root, 'large')
    await mkdir(large)
    await writeFile(join(large, 'Dockerfile'), 'FROM scratch')
    await writeFile(join(large, 'data'), randomBytes(3 << 20))
    for (const [args, code, words] of [
      [['--context', large], 69, /larger than the 1 MiB that kanihook takes \(MAX_UPLOAD\)/],
      [['--context', join(root, 'none')], 69, /there is no folder/],
      [['--context', root], 69, /there is no Dockerfile in/],
      [
        ['--context', context, '--image', 'cart'],
        69,
        /no image "cart" under uploads \(there are: shop\)/,
      ],
      [['--context', large, '--build-arg', 'FOO'], 64, /--build-arg FOO must be NAME=value/],
      [[], 64, /--context is missing/],
      [['--context', context, '--tag', 'latest'], 64, /Unknown option '--tag'/],
    ] as const) {
      const ran = await build(...args)
      assert.equal(ran.code, code, ran.err)
      assert.match(ran.err, words)
    }
    assert.deepEqual(await readdir(uploads), [])
  })

  it('says what kanihook has against it', async () => {
    const bad = await build('--context', context, '--build-arg', 'LD_PRELOAD=x')
    assert.equal(bad.code, 69)
    assert.match(bad.err, /LD_PRELOAD is refused/)
    const args = ['build', '-c', context, '-i', 'shop']
    const away = await runCommand(args, { KANIHOOK_URL: `http://127.0.0.1:${await freePort()}` })
    assert.equal(away.code, 69)
    assert.match(away.err, /cannot be reached \(ECONNREFUSED\)/)
    const wrong = await runCommand(args, { ...its.client, KANIHOOK_TOKEN: 'a-wrong-admin-token' })
    assert.equal(wrong.code, 69)
    assert.match(wrong.err, /refuses the token/)
  })

  it('cancels the build when it is interrupted', async () => {
    its.runner.byDefault(hangs)
    const command = startCommand(['build', '-c', context, '-i', 'shop'], its.client)
    await eventually(() => command.out.some((line) => line.startsWith('build ')), {
      within: 30_000,
    })
    command.child.kill('SIGINT')
    assert.equal(await command.ended, 130)
    assert.match(command.err.join('\n'), /Cancelling build [0-9a-f]{16}/)
    assert.match(command.err.at(-1) ?? '', /cancelled: Cancelled by an operator$/)
    await eventually(async () => (await readdir(uploads)).length === 0)
  })
})

describe('kanihook build that is interrupted', () => {
  /** What it asked, by method and path. */
  let asked: string[]
  let server: Server
  let temporary: string

  /** A kanihook that says what may be built, and does with the rest what the test says. */
  async function start(answer: (req: IncomingMessage, res: ServerResponse) => void) {
    asked = []
    const uploads = { maxBytes: 64 << 20, images: [{ name: 'shop', dockerfile: 'Dockerfile' }] }
    server = createServer((req, res) => {
      asked.push(`${req.method} ${req.url?.split('?')[0]}`)
      if (req.method === 'GET' && req.url === '/api/uploads') json(res, 200, uploads)
      else answer(req, res)
    })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    temporary = await mkdtemp(join(root, 'tmp-'))
  }
  const json = (res: ServerResponse, status: number, body: object): void =>
    void res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))

  const run = (folder: string) =>
    startCommand(['build', '-c', folder, '-i', 'shop'], {
      KANIHOOK_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      TMPDIR: temporary,
    })

  const hasAsked = (what: string): Promise<true> =>
    eventually(() => asked.includes(what), { within: 30_000, what })

  /** It ends, and leaves no file. Returns what it told. */
  async function told({ ended, err }: CommandRun): Promise<string> {
    assert.equal(await ended, 130)
    assert.deepEqual(await readdir(temporary), [])
    return err.join('\n')
  }

  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  it('keeps nothing of an upload before everything was sent', async () => {
    const large = join(root, 'interrupted')
    await mkdir(large)
    await writeFile(join(large, 'Dockerfile'), 'FROM scratch')
    // More than two sockets hold.
    await writeFile(join(large, 'data'), randomBytes(32 << 20))
    await start(() => undefined)
    const command = run(large)
    await hasAsked('POST /api/uploads')
    assert.equal((await readdir(temporary)).length, 1)
    command.child.kill('SIGINT')
    assert.match(await told(command), /^Broken off: nothing of the upload is kept$/m)
  })

  it('says that an upload may have been taken when everything was sent, and where to look', async () => {
    const whole = Promise.withResolvers<void>()
    await start((req) => void req.resume().once('end', whole.resolve))
    const command = run(context)
    await whole.promise
    command.child.kill('SIGINT')
    const words = await told(command)
    assert.match(
      words,
      /it may have been taken\. kanihook builds shows its build, and kanihook cancel/,
    )
    assert.doesNotMatch(words, /nothing of the upload is kept/)
  })

  it('names a build that it could not cancel', async () => {
    const build = sampleBuild()
    let refused = false
    await start((req, res) => {
      if (req.url?.endsWith('/cancel')) {
        refused = true
        json(res, 503, { error: 'Redis is away' })
      } else if (req.url?.endsWith('/log?from=0'))
        json(res, 200, { lines: [], next: 0, dropped: 0 })
      else if (refused) json(res, 404, { error: 'no such build' })
      else json(res, 202, build)
      req.resume()
    })
    const command = run(context)
    await hasAsked(`GET /api/builds/${build.id}`)
    command.child.kill('SIGINT')
    const words = await told(command)
    assert.match(words, /cannot answer now: Redis is away$/m)
    assert.match(
      words,
      new RegExp(`^Build ${build.id} may go on: kanihook cancel ${build.id} ends it$`, 'm'),
    )
    assert.doesNotMatch(words, /nothing of the upload is kept|may have been taken/)
  })
})
