import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')

/** A clone whose packages are there and whose scripts are these: name → a shell's command. */
async function cloneWith(scripts: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(join(tmpdir(), 'kanihook-dev-'))
  await cp(join(root, 'dev'), join(folder, 'dev'))
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'clone', scripts }))
  await writeFile(join(folder, 'package-lock.json'), '{}')
  await utimes(join(folder, 'package-lock.json'), 0, 0)
  await mkdir(join(folder, 'node_modules/.bin'), { recursive: true })
  await writeFile(join(folder, 'node_modules/.package-lock.json'), '{}')
  await writeFile(join(folder, 'node_modules/.bin/node'), '', { mode: 0o755 })
  return {
    folder,
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true })
    },
  }
}

async function dev(folder: string, ...args: string[]): Promise<{ code: number; output: string }> {
  const ended = run(join(folder, 'dev'), args, { env: { PATH: process.env['PATH'] } })
  return ended.then(
    ({ stdout }) => ({ code: 0, output: stdout }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      code: error.code,
      output: error.stdout + error.stderr,
    }),
  )
}

describe('./dev', () => {
  it('says what test and check do when asked, and runs neither', async () => {
    await using clone = await cloneWith({ test: 'echo ran', 'lint:code': 'echo ran' })
    for (const command of ['test', 'check']) {
      for (const option of ['--help', '-h']) {
        const { code, output } = await dev(clone.folder, command, option)
        assert.equal(code, 0, output)
        assert.match(output, new RegExp(`^usage: \\./dev ${command}\n`))
        assert.doesNotMatch(output, /ran/)
      }
    }
  })

  it('hands --help on to the commands that have options', async () => {
    await using clone = await cloneWith({ demo: 'echo demo was asked' })
    const { code, output } = await dev(clone.folder, 'demo', '--help')
    assert.equal(code, 0, output)
    assert.match(output, /demo was asked --help/)
  })

  it('checks lint, formatting and types whatever one of them finds, and fails at the end', async () => {
    const parts = { 'lint:code': 'exit 3', 'lint:format': 'echo formatted', types: 'echo typed' }
    await using clone = await cloneWith(parts)
    const { code, output } = await dev(clone.folder, 'check')
    assert.equal(code, 1, output)
    assert.match(output, /formatted\ntyped\n/)
    assert.match(output, /Failed: lint:code/)
    await using clean = await cloneWith({ ...parts, 'lint:code': 'echo linted' })
    assert.equal((await dev(clean.folder, 'check')).code, 0)
  })
})
