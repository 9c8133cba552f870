import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { test } from 'node:test'

const program = fileURLToPath(new URL('../support/dead-processes.ts', import.meta.url))

const missing = [
  ...(process.platform === 'linux' ? [] : ['Linux']),
  ...(process.getuid?.() === 0 ? [] : ['root']),
  ...['unshare', 'tini'].filter((name) => spawnSync(name, ['--version']).error),
]
const skip = missing.length > 0 && `missing: ${missing.join(', ')}`

/** Has git fail in a pid namespace of its own, as in a container. */
async function failInContainer(...init: string[]): Promise<{ pid: number; dead: number }> {
  const command = ['--pid', '--fork', '--mount-proc', ...init, process.execPath, program]
  const { stdout } = await promisify(execFile)('unshare', command)
  return JSON.parse(stdout) as { pid: number; dead: number }
}

test(
  'under an init, git that fails leaves nothing behind (needs root on Linux, and tini)',
  { skip },
  async () => {
    const { pid, dead } = await failInContainer('tini', '--')
    assert.notEqual(pid, 1)
    assert.equal(dead, 0)
  },
)

test(
  'as the first process Node clears nothing away, of which serve warns (needs root on Linux, and tini)',
  { skip },
  async () => {
    const { pid, dead } = await failInContainer()
    assert.equal(pid, 1)
    assert.ok(dead > 0)
  },
)
