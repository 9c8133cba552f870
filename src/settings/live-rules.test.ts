import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Repository } from '../builds/push-event.ts'
import { ConfigError } from '../errors.ts'
import { createLiveRules } from './live-rules.ts'
import type { LiveRules } from './live-rules.ts'

const config = (owner: string): string =>
  `repositories: [{ match: 'github.com/${owner}/*', destination: 'r.io/{owner}/{repo}' }]\n`
const repository = (owner: string): Repository => ({
  forge: 'github',
  id: '1',
  host: 'github.com',
  path: `${owner}/app`,
})

let folder: string
let path: string
let live: LiveRules | undefined
let refused: (readonly string[])[]
let changes: number

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kanihook-config-'))
  path = join(folder, 'kanihook.yaml')
  refused = []
  changes = 0
})
afterEach(async () => {
  live?.close()
  live = undefined
  await rm(folder, { recursive: true })
})

async function follow(pollMs?: number): Promise<void> {
  live = await createLiveRules({
    path,
    onChange: () => changes++,
    onRefused: (faults) => refused.push(faults),
    ...(pollMs !== undefined && { pollMs }),
  })
}
const builds = (owner: string): boolean => live!.rules.find(repository(owner)) !== undefined

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000
  while (!condition()) {
    assert.ok(performance.now() < deadline, 'it did not come to pass within 5 s')
    await sleep(10)
  }
}

/** So slow a poll that only the watch can have noticed. */
const never = 3_600_000

describe('a changed file comes into force by itself', () => {
  test('when it is written anew', async () => {
    await writeFile(path, config('acme'))
    await follow(never)
    assert.ok(builds('acme'))
    await writeFile(path, config('other'))
    await until(() => builds('other'))
    assert.ok(!builds('acme'))
    assert.equal(changes, 1)
  })

  test('when another file is renamed to it, twice', async () => {
    await writeFile(path, config('acme'))
    await follow(never)
    for (const owner of ['second', 'third']) {
      await writeFile(join(folder, 'new'), config(owner))
      await rename(join(folder, 'new'), path)
      await until(() => builds(owner))
    }
  })

  test('when no change was noticed, as it is read now and then', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'kanihook-elsewhere-'))
    try {
      await writeFile(join(elsewhere, 'real'), config('acme'))
      await symlink(join(elsewhere, 'real'), path)
      await follow(20)
      await writeFile(join(elsewhere, 'real'), config('other'))
      await until(() => builds('other'))
    } finally {
      await rm(elsewhere, { recursive: true })
    }
  })
})

describe('a ConfigMap that is mounted', () => {
  let version = 0
  /** As the kubelet does it: a folder of its own for each version, and a link that is swapped in one step. */
  async function mount(text: string | undefined): Promise<void> {
    const before = version === 0 ? undefined : `..2026_01_31_${version}`
    version += 1
    const data = `..2026_01_31_${version}`
    await mkdir(join(folder, data))
    if (text !== undefined) await writeFile(join(folder, data, 'kanihook.yaml'), text)
    await symlink(data, join(folder, '..data_tmp'))
    await rename(join(folder, '..data_tmp'), join(folder, '..data'))
    if (before === undefined) await symlink('..data/kanihook.yaml', path)
    else await rm(join(folder, before), { recursive: true })
  }
  beforeEach(() => {
    version = 0
  })

  test('comes into force each time that it changes', async () => {
    await mount(config('first'))
    await follow(never)
    for (const owner of ['second', 'third', 'fourth']) {
      await mount(config(owner))
      await until(() => builds(owner))
    }
    assert.equal(changes, 3)
  })

  test('comes into force as it is in the end, when it changes several times at once', async () => {
    await mount(config('first'))
    await follow(never)
    for (const owner of ['second', 'third', 'fourth']) await mount(config(owner))
    await until(() => builds('fourth'))
  })

  test('is refused where it is bad or has no such key, and comes into force when it is mended', async () => {
    await mount(config('first'))
    await follow(never)
    await mount('repositries: []\n')
    await until(() => refused.length === 1)
    await mount(undefined)
    await until(() => refused.length === 2)
    assert.ok(live!.isRefused())
    assert.match(refused[1]![0]!, /there is no such file/)
    assert.ok(builds('first'))
    await mount(config('second'))
    await until(() => builds('second'))
  })
})

test('a bad new file is refused with its faults, once, and the old one stays in force', async () => {
  await writeFile(path, config('acme'))
  await follow(20)
  await writeFile(path, 'repositries: []\n')
  await until(() => refused.length > 0)
  assert.ok(live!.isRefused())
  assert.match(refused[0]!.join('\n'), /kanihook\.yaml:1:1: repositries: unknown key/)
  await sleep(100)
  assert.equal(refused.length, 1)
  assert.ok(builds('acme'))
  await writeFile(path, config('other'))
  await until(() => builds('other'))
})

test('a bad new file that gives way to the old one is refused no more', async () => {
  await writeFile(path, config('acme'))
  await follow(20)
  assert.ok(!live!.isRefused())
  await writeFile(path, 'repositries: []\n')
  await until(() => live!.isRefused())
  await writeFile(path, config('acme'))
  await until(() => !live!.isRefused())
})

test('a file that is gone is reported, and the old one stays in force until there is one', async () => {
  await writeFile(path, config('acme'))
  await follow(20)
  await unlink(path)
  await until(() => refused.length > 0)
  assert.match(refused[0]![0]!, /there is no such file/)
  assert.ok(builds('acme'))
  await writeFile(path, config('other'))
  await until(() => builds('other'))
})

test('closed, it follows no more', async () => {
  await writeFile(path, config('acme'))
  await follow(20)
  live!.close()
  await writeFile(path, config('other'))
  await sleep(200)
  assert.ok(builds('acme'))
  assert.equal(changes, 0)
})

test('at the start a missing or bad file is an error', async () => {
  await assert.rejects(follow(), ConfigError)
  await writeFile(path, 'x')
  await assert.rejects(follow(), ConfigError)
})
