import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { chooseMode, type Machine } from '../../demo/mode.ts'
import { kanikoImage } from '../cluster/images.ts'
import { dockerConfig, pushArchive, startRegistry } from '../cluster/registry.ts'
import { createDaemons } from '../cluster/support/daemons.ts'
import { keptKaniko } from '../cluster/tools.ts'
import { missingForProcesses } from '../contracts/cluster/processes.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'

const root = join(import.meta.dirname, '../..')
const banner = 'SIMULATED: no image is built'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kanihook-test-'))
})
after(() => rm(folder, { recursive: true }))

/** The demo as a user starts it, with its temporary files in a folder of the test's. */
function startDemo(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [join('demo', 'main.ts'), ...args], {
    cwd: root,
    env: { ...process.env, TMPDIR: folder, ...env },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  }
  const ended = once(child, 'close').then(([exitCode]) => ({
    exitCode: exitCode as number,
    output,
  }))
  return {
    ended,
    child,
    says: (text: string) =>
      eventually(() => output.includes(text), { within: 60_000, what: `${text} in\n${output}` }),
  }
}

/** What of the demo is still there: files, mounts, and processes that were told of its folder. */
function leftovers(): string[] {
  const mounts = read(() => readFileSync('/proc/mounts', 'utf8')).split('\n')
  const processes = globSync('/proc/[0-9]*').filter((process) =>
    [
      read(() => readFileSync(join(process, 'cmdline'), 'utf8')),
      read(() => readFileSync(join(process, 'environ'), 'utf8')),
      // Redis writes over both of these.
      read(() => readlinkSync(join(process, 'cwd'))),
    ].some((text) => text.includes(folder)),
  )
  return [...readdirSync(folder), ...mounts.filter((line) => line.includes(folder)), ...processes]
}

function read(look: () => string): string {
  try {
    return look()
  } catch {
    return '' // ended meanwhile, or not Linux
  }
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}

/** In this order, with anything between them. */
function assertInOrder(output: string, ...parts: readonly (string | RegExp)[]): void {
  let from = 0
  for (const part of parts) {
    const found = new RegExp(part, 'm').exec(output.slice(from))
    assert.ok(found, `${String(part)} is missing after character ${from} of\n${output}`)
    from += found.index + found[0].length
  }
}

const executor = process.env['KANIKO_EXECUTOR'] ?? keptKaniko()
const missing = missingForProcesses(executor)
const canBuild = missing.length === 0
const tried = canBuild ? '' : ` (not tried: this machine lacks ${missing.join(', ')})`

describe('the demo', () => {
  it(`builds a push for real, pulls the image back, and leaves nothing${tried}`, async () => {
    if (!canBuild) return
    const { exitCode, output } = await startDemo(['--stand-in', '--once']).ended
    assert.equal(exitCode, 0, output)
    assertInOrder(
      output,
      /forge +a local stand-in for Gitea/,
      /cluster +a local stand-in for the Kubernetes API/,
      /git push of a commit to demo\/hello/,
      /webhook +push of branch main at [0-9a-f]{7}: signature verified, accepted, stored/,
      /decision .*1 build planned/,
      /status +pending +kanihook\/hello: Building/,
      /│ Cloning http:.*demo\/hello\.git at [0-9a-f]{40}/,
      /│ RUN tr a-z A-Z/,
      /│ HELLO! THIS FILE/,
      /digest +sha256:[0-9a-f]{64}$/,
      /status +success +kanihook\/hello: Pushed .*:main .*\(sha256:[0-9a-f]{12}…\)/,
      /✓ pulled .*:main: sha256:[0-9a-f]{64}/,
      /✓ the status on commit [0-9a-f]{7} is success and names this digest/,
      /✓ \/hello\.txt in the image .*"Hello! This file/,
      /✓ \/HELLO\.TXT in the image .*"HELLO! THIS FILE/,
    )
    assert.match(output, /job +kanihook-hello-[0-9a-f]{16}-1 in namespace kanihook-builds/)
    assert.doesNotMatch(output, /✗|simulated/i)
    assert.deepEqual(leftovers(), [])
  })

  it(`takes the executor out of the published image, once, and keeps it${tried}`, async () => {
    if (!canBuild) return
    const home = join(folder, 'home')
    const daemons = createDaemons(join(home, 'registry'))
    try {
      const registry = await startRegistry(daemons, {
        address: '127.0.0.1',
        port: await freePort(),
      })
      const name = 'library/kaniko:v1'
      const image = await pushArchive(daemons, registry, await kanikoImage(() => {}), name)
      await write(join(home, '.docker/config.json'), dockerConfig(registry))
      const open = `[[registry]]\nlocation = "${registry.host}"\ninsecure = true\n`
      await write(join(home, '.config/containers/registries.conf'), open)
      const env = { HOME: home, XDG_CACHE_HOME: join(home, 'cache'), KANIKO_IMAGE: image }
      for (const isFirst of [true, false]) {
        const { exitCode, output } = await startDemo(['--stand-in', '--once'], env).ended
        assert.equal(exitCode, 0, output)
        assert.equal(output.includes(`taking Kaniko's executor from ${image}`), isFirst, output)
        assert.match(output, /✓ pulled/)
      }
    } finally {
      for (const daemon of daemons.names()) await daemons.stop(daemon)
      await rm(home, { recursive: true })
    }
  })

  it('says in each line about something that did not happen that it is simulated', async () => {
    const { exitCode, output } = await startDemo(['--simulated', '--once']).ended
    assert.equal(exitCode, 0, output)
    const story = output.slice(output.indexOf('git push of a commit')).split('\n')
    const claims = story.filter((line) =>
      /s  (job|clone|build|status|digest|image|page) |│/.test(line),
    )
    assert.ok(claims.length >= 10, output)
    for (const line of claims) assert.ok(line.includes(banner), line)
    assert.ok(output.trimEnd().split('\n').at(-2)?.startsWith(banner), output)
    assert.doesNotMatch(output, /pulled back|✓/)
    assert.deepEqual(leftovers(), [])
  })

  it('shows pushes of its user until it is stopped, and then leaves nothing', async () => {
    const demo = startDemo(['--simulated'])
    await demo.says('Ctrl-C stops everything')
    demo.child.kill('SIGINT')
    const { exitCode, output } = await demo.ended
    assert.equal(exitCode, 0, output)
    assertInOrder(output, 'Your turn', / git clone .*http:/, / git commit /, / git push$/, 'SIGINT')
    assert.deepEqual(leftovers(), [])
  })

  it('stopped in the middle of a build, leaves nothing and does not claim success', async () => {
    const demo = startDemo([canBuild ? '--stand-in' : '--simulated'])
    await demo.says(' job ')
    demo.child.kill('SIGTERM')
    const { exitCode, output } = await demo.ended
    assert.equal(exitCode, 143, output)
    assert.deepEqual(leftovers(), [])
  })

  it('says what is missing on a machine where it cannot install it', async () => {
    const { exitCode, output } = await startDemo(['--simulated'], { PATH: folder }).ended
    assert.equal(exitCode, 69, output)
    assert.match(output, /redis-server: .*\n.*Debian: redis-server; elsewhere: brew install redis/)
    assert.match(output, /apt-get install --no-install-recommends redis-server git/)
    assert.deepEqual(leftovers(), [])
  })

  it('explains itself, and what it was asked wrongly', async () => {
    const asked = await startDemo(['--help']).ended
    assert.equal(asked.exitCode, 0)
    assert.match(asked.output, /--simulated/)
    for (const wrong of [['--nonsense'], ['--cluster', '--simulated']]) {
      const refused = await startDemo(wrong).ended
      assert.equal(refused.exitCode, 64)
      assert.match(refused.output, /--simulated/)
    }
  })
})

describe('the cluster of the demo', () => {
  const laptop: Machine = {
    platform: 'linux',
    isRoot: false,
    canIsolate: true,
    kubeconfig: undefined,
    isTestCluster: false,
    hostAddress: undefined,
    hasKind: false,
  }
  const modes = (machine: Partial<Machine>, asked?: 'stand-in' | 'cluster' | 'simulated') =>
    chooseMode(asked, { ...laptop, ...machine })

  it('is the most real one that there is', () => {
    assert.equal(modes({ kubeconfig: '/k', hostAddress: '10.0.0.1' }).mode, 'cluster')
    assert.equal(modes({ hasKind: true }).mode, 'cluster')
    assert.equal(modes({ isRoot: true }).mode, 'processes')
    assert.equal(modes({}).mode, 'simulated')
    assert.equal(modes({ platform: 'darwin', isRoot: true, hasKind: true }).mode, 'simulated')
  })

  it('is never one whose user did not say how its pods reach this machine', () => {
    const { mode, notes } = modes({ kubeconfig: '/production', hasKind: true, isRoot: true })
    assert.equal(mode, 'processes')
    assert.match(notes.join(), /left alone.*HOST_ADDRESS/)
  })

  it('is the one that was asked for', () => {
    const all = { kubeconfig: '/k', hostAddress: '10.0.0.1', hasKind: true, isRoot: true }
    assert.equal(modes(all, 'stand-in').mode, 'processes')
    assert.equal(modes(all, 'simulated').mode, 'simulated')
    assert.equal(modes({}, 'cluster').mode, 'cluster')
  })

  it('is said to be none where nothing can be built', () => {
    assert.match(modes({}).notes.join(), /Nothing is built here.*root/)
    assert.match(modes({ isRoot: true, canIsolate: false }).notes.join(), /without privileges/)
    assert.match(modes({ platform: 'darwin' }).notes.join(), /Nothing is built here.*Linux/)
  })
})
