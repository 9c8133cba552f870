import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { createGitRemote } from '../../src/git/git-remote.ts'
import { freePort } from './free-port.ts'
import { repository } from './samples.ts'

/**
 * A program: has git fail in two ways, refused and out of time, and prints how many dead processes are left in
 * the table of its pid namespace then.
 */
const silent = createServer(() => undefined).listen(0, '127.0.0.1')
await once(silent, 'listening')
for (const port of [await freePort(), (silent.address() as AddressInfo).port]) {
  const remote = createGitRemote({
    access: async () => ({
      url: `http://127.0.0.1:${port}/acme/app.git`,
      otherUrl: 'ssh://git@127.0.0.1/acme/app.git',
      login: { username: 'kanihook', password: 'none' },
    }),
    timeoutMs: 1_000,
  })
  await remote.head(repository, 'refs/heads/main').catch((error: unknown) => console.error(error))
}

const isDead = async (pid: string): Promise<boolean> =>
  /^State:\s+Z/m.test(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''))
const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
const dead = (await Promise.all(pids.map(isDead))).filter(Boolean)
console.log(JSON.stringify({ pid: process.pid, dead: dead.length }))
process.exit(0)
