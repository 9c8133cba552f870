import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import {
  startGitServer,
  type GitServer,
  type GitServerOptions,
} from '../../test/support/git-server.ts'
import { hasSshServer, startSshServer } from '../../test/support/ssh-server.ts'
import type { SshKey } from '../builds/ports.ts'
import { sshOptions } from '../git/ssh-login.ts'
import { cloneScript } from './clone-script.ts'

const login = { username: 'x-access-token', password: 'p\'a$(ss) "word' }
const env = { GIT_USERNAME: login.username, GIT_PASSWORD: login.password }

/** Busybox is the shell of small images; the script must not need more. */
const shells = [
  ['sh'],
  ...(spawnSync('busybox', ['sh', '-c', '']).status === 0 ? [['busybox', 'sh']] : []),
]

for (const shell of shells) {
  describe(`the clone script in ${shell.join(' ')}`, () => {
    let folder: string
    const servers: GitServer[] = []
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'kanihook-clone-'))
    })
    after(async () => {
      for (const server of servers) await server.stop()
      await rm(folder, { recursive: true, force: true })
    })

    const serve = async (options: GitServerOptions = {}): Promise<GitServer> => {
      const server = await startGitServer(options)
      servers.push(server)
      return server
    }

    /** Runs it as the clone container does, in an empty folder. */
    async function clone(
      url: string,
      sha: string,
      options: { ref?: string; env?: object; login?: SshKey } = {},
    ) {
      const run = await mkdtemp(join(folder, 'run-'))
      const [context, home] = [join(run, 'context'), join(run, 'home')]
      await mkdir(context)
      await mkdir(home)
      if (options.login) {
        await writeFile(join(run, 'ssh-privatekey'), options.login.privateKey, { mode: 0o400 })
        await writeFile(join(run, 'known_hosts'), options.login.knownHosts, { mode: 0o400 })
      }
      const bySsh = {
        SSH_LOGIN: run,
        GIT_SSH_COMMAND: ['ssh', ...sshOptions(join(home, 'ssh'))].join(' '),
      }
      await chmod(context, 0o777)
      const origin = /^[a-z]+:\/\/[^/]+/.exec(url)?.[0] ?? ''
      const args = [url, origin, options.ref ?? 'refs/heads/main', sha, '.', 'Dockerfile']
      const [command = 'sh', ...first] = shell
      const child = spawn(command, [...first, '-c', cloneScript, 'clone', ...args], {
        cwd: context,
        env: {
          PATH: process.env['PATH'],
          HOME: home,
          ...(options.login ? bySsh : {}),
          ...options.env,
        },
      })
      let output = ''
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
      }
      const [code] = (await once(child, 'close')) as [number]
      return { code, output, context, files: await readdir(context), home: await readdir(home) }
    }

    it('leaves the files of exactly that commit, and no repository', async () => {
      const git = await serve()
      const first = await git.commit('acme/app', { Dockerfile: 'FROM one', 'src/a.txt': 'a' })
      await git.commit('acme/app', { Dockerfile: 'FROM two' }, { parent: first })
      const { code, output, files, context, home } = await clone(`${git.url}/acme/app`, first)
      assert.equal(code, 0, output)
      assert.deepEqual(files, ['Dockerfile', 'src'])
      assert.equal(await readFile(join(context, 'Dockerfile'), 'utf8'), 'FROM one')
      assert.deepEqual(home, [])
    })

    it('finds a commit that a force-push has taken off its branch', async () => {
      const git = await serve()
      const lost = await git.commit('acme/app', { a: 'lost' })
      await git.commit('acme/app', { a: 'forced' })
      const { code, output, context } = await clone(`${git.url}/acme/app`, lost)
      assert.equal(code, 0, output)
      assert.equal(await readFile(join(context, 'a'), 'utf8'), 'lost')
    })

    it('logs in where it is asked to, and tells nobody', async () => {
      const git = await serve({ login })
      const sha = await git.commit('acme/app', { a: '1' })
      const { code, output } = await clone(`${git.url}/acme/app`, sha, { env })
      assert.equal(code, 0, output)
      assert.ok(!output.includes(login.password))
    })

    it('says that the login failed, in words that git uses', async () => {
      const git = await serve({ login: { ...login, password: 'another' } })
      const sha = await git.commit('acme/app', { a: '1' })
      const { code, output } = await clone(`${git.url}/acme/app`, sha, { env })
      assert.notEqual(code, 0)
      assert.match(output, /Authentication failed/)
    })

    it('gives the login to no other origin, even when redirected', async () => {
      const other = await serve({ login })
      const sha = await other.commit('acme/app', { a: '1' })
      const git = await serve({ redirectTo: other.url })
      const { code } = await clone(`${git.url}/acme/app`, sha, { env })
      assert.notEqual(code, 0)
      assert.ok(other.logins.length > 0, 'the redirect was followed')
      assert.deepEqual(new Set(other.logins), new Set([undefined]))
    })

    it('asks for the ref, then for its history, where the server gives no commit by its id', async () => {
      const git = await serve({ refsOnly: true })
      const first = await git.commit('acme/app', { a: 'first' })
      const second = await git.commit('acme/app', { a: 'second' }, { parent: first })
      for (const [sha, text] of [
        [second, 'second'],
        [first, 'first'],
      ] as const) {
        const { code, output, context } = await clone(`${git.url}/acme/app`, sha)
        assert.equal(code, 0, output)
        assert.equal(await readFile(join(context, 'a'), 'utf8'), text)
      }
    })

    it('fails where the commit is not there, and leaves no other one', async () => {
      const git = await serve()
      await git.commit('acme/app', { a: '1' })
      const { code, output, files } = await clone(`${git.url}/acme/app`, 'b'.repeat(40))
      assert.notEqual(code, 0)
      assert.match(output, /not our ref/)
      assert.deepEqual(files, [])
    })

    it('takes a ref that looks like a command for what it is', async () => {
      const git = await serve({ refsOnly: true })
      for (const name of [
        '$(touch${IFS}x)',
        '`id`',
        ';id',
        '--upload-pack=id',
        "it's",
        'a#b',
        'ü',
      ]) {
        const ref = `refs/heads/${name}`
        const old = await git.commit('acme/app', { a: name }, { ref })
        await git.commit('acme/app', { a: 'newer' }, { ref, parent: old })
        const { code, output, files } = await clone(`${git.url}/acme/app`, old, { ref })
        assert.equal(code, 0, output)
        assert.deepEqual(files, ['a'])
      }
    })

    it('clones by SSH, and leaves no key', { skip: !hasSshServer && 'no sshd here' }, async () => {
      const git = await serve({ login })
      const ssh = await startSshServer(git.folder)
      try {
        const first = await git.commit('acme/app', { a: '1' })
        await git.commit('acme/app', { a: '2' }, { parent: first })
        const url = `${ssh.url}/acme/app`
        for (const privateKey of [ssh.login.privateKey, ssh.login.privateKey.trimEnd()]) {
          const ran = await clone(url, first, { login: { ...ssh.login, privateKey } })
          assert.equal(ran.code, 0, ran.output)
          assert.equal(await readFile(join(ran.context, 'a'), 'utf8'), '1')
          assert.deepEqual(ran.home, [])
        }
        const unknown = await clone(url, first, { login: { ...ssh.login, knownHosts: '' } })
        assert.notEqual(unknown.code, 0)
        assert.match(unknown.output, /Host key verification failed/)
      } finally {
        await ssh.stop()
      }
    })

    it('clones a repository of SHA-256 ids', async () => {
      const git = await serve()
      const sha = await git.commit('acme/app', { a: '1' }, { sha256: true })
      assert.equal(sha.length, 64)
      const { code, output } = await clone(`${git.url}/acme/app`, sha)
      assert.equal(code, 0, output)
    })
  })
}
