import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { freePort } from '../../test/support/free-port.ts'
import { uploadScript } from './upload-script.ts'

const token = 'the-token-of-the-upload'
const archive = Buffer.from('not really an archive')
const sha = createHash('sha256').update(archive).digest('hex')
// Digits that could be taken for the answer of a server.
const name = '4040000000000404'

const which = (program: string): string =>
  spawnSync('sh', ['-c', 'command -v "$0"', program], { encoding: 'utf8' }).stdout.trim()

/** The programs that images of a clone may have; those of this machine. */
const fetchers = [
  ['busybox wget', { wget: which('busybox') }],
  ['GNU wget', { wget: which('wget') }],
  ['curl', { curl: which('curl') }],
] as const

let folder: string
let server: Server
let url: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kanihook-upload-'))
  server = createServer((req, res) => {
    const mine = req.url === `/uploads/${name}` && req.headers.authorization === `Bearer ${token}`
    res.writeHead(mine ? 200 : 404).end(mine ? archive : '{"error":"not found"}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/uploads/${name}`
})
after(async () => {
  server.close()
  await rm(folder, { recursive: true, force: true })
})

/** Runs it where there are the usual small programs and these. */
async function fetchUpload(
  programs: Readonly<Record<string, string>>,
  options: { url?: string; token?: string; sha?: string } = {},
) {
  const run = await mkdtemp(join(folder, 'run-'))
  const [context, home, bin] = [join(run, 'context'), join(run, 'home'), join(run, 'bin')]
  await Promise.all([context, home, bin].map((each) => mkdir(each)))
  const tools = Object.fromEntries(
    ['sh', 'grep', 'tail', 'sleep', 'date', 'sha256sum'].map((each) => [each, which(each)]),
  )
  for (const [link, target] of Object.entries({ ...tools, ...programs })) {
    await symlink(target, join(bin, link))
  }
  const args = [options.url ?? url, 'upload.tar.gz', options.sha ?? sha]
  const child = spawn(join(bin, 'sh'), ['-c', uploadScript, 'upload', ...args], {
    cwd: context,
    env: { PATH: bin, HOME: home, UPLOAD_TOKEN: options.token ?? token },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  }
  const [code] = (await once(child, 'close')) as [number]
  const got = await readFile(join(context, 'upload.tar.gz')).catch(() => undefined)
  return { code, said, got }
}

for (const [fetcher, programs] of fetchers) {
  const missing = Object.values(programs).includes('') && `there is no ${fetcher}`
  describe(`the upload script with ${fetcher}`, { skip: missing, concurrency: true }, () => {
    it('fetches the archive by its token, and shows the token to nobody', async () => {
      const { code, said, got } = await fetchUpload(programs)
      assert.equal(code, 0, said)
      assert.deepEqual(got, archive)
      assert.ok(!said.includes(token), said)
    })

    it('says that an upload is gone which kanihook has no more', async () => {
      const { code, said } = await fetchUpload(programs, { token: 'another' })
      assert.equal(code, 1)
      assert.match(said, /^The upload is gone$/m)
    })

    it('gives up on a kanihook that is gone after some seconds', async () => {
      const away = `http://127.0.0.1:${await freePort()}/uploads/${name}`
      const { code, said } = await fetchUpload(programs, { url: away })
      assert.equal(code, 1)
      assert.ok(said.includes(`\nThe upload cannot be fetched from ${away}\n`), said)
      assert.doesNotMatch(said, /is gone/)
    })

    it('takes nothing but what was uploaded', async () => {
      const { code, said } = await fetchUpload(programs, { sha: 'ab'.repeat(32) })
      assert.equal(code, 1)
      assert.match(said, /^What came is not the archive that was uploaded$/m)
    })
  })
}

describe('the upload script without any of them', () => {
  it('says what the image lacks', async () => {
    const { code, said } = await fetchUpload({})
    assert.equal(code, 1)
    assert.match(said, /^This image has neither wget nor curl$/m)
  })
})
