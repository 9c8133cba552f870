import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
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
import { lfsPointer } from '../../test/support/lfs-store.ts'
import { shells } from '../../test/support/shells.ts'

const login = { username: 'x-access-token', password: 'p\'a$(ss) "word' }
const env = { GIT_USERNAME: login.username, GIT_PASSWORD: login.password }

/** A folder for PATH with these programs of this machine, as far as they are there, and no others. */
async function pathOf(folder: string, programs: readonly string[]): Promise<string> {
  const places = (process.env['PATH'] ?? '').split(':')
  for (const program of programs) {
    const place = places.find((each) => existsSync(join(each, program)))
    if (place !== undefined) await symlink(join(place, program), join(folder, program))
  }
  return folder
}

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
      options: {
        ref?: string
        env?: object
        login?: SshKey
        context?: string
        dockerfile?: string
        more?: readonly string[]
      } = {},
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
      const args = [
        url,
        origin,
        options.ref ?? 'refs/heads/main',
        sha,
        options.context ?? '.',
        options.dockerfile ?? 'Dockerfile',
        ...(options.more ?? []),
      ]
      const [command, ...first] = shell
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

    describe('with submodules', () => {
      const modules = (urls: Readonly<Record<string, string>>): string =>
        Object.entries(urls)
          .map(([path, url]) => `[submodule "${path}"]\n\tpath = ${path}\n\turl = ${url}\n`)
          .join('')

      it('fetches them at the recorded commit, those of submodules too, and leaves no .git', async () => {
        const git = await serve({ login })
        const inner = await git.commit('acme/inner', { i: 'inner' })
        const recorded = await git.commit(
          'acme/lib',
          { l: 'recorded', '.gitmodules': modules({ deep: '../inner' }) },
          { submodules: { deep: inner } },
        )
        await git.commit('acme/lib', { l: 'newer' }, { parent: recorded })
        const sha = await git.commit(
          'acme/app',
          { '.gitmodules': modules({ 'libs/a': '../lib', ssh: 'git@own:acme/inner' }) },
          { submodules: { 'libs/a': recorded, ssh: inner } },
        )
        const more = ['submodules', `base=${git.url}/`, 'alias=git@own:']
        const ran = await clone(`${git.url}/acme/app`, sha, { env, more })
        assert.equal(ran.code, 0, ran.output)
        const read = (path: string) => readFile(join(ran.context, path), 'utf8')
        assert.equal(await read('libs/a/l'), 'recorded')
        assert.equal(await read('libs/a/deep/i'), 'inner')
        assert.equal(await read('ssh/i'), 'inner')
        assert.deepEqual((await readdir(join(ran.context, 'libs/a'))).toSorted(), [
          '.gitmodules',
          'deep',
          'l',
        ])
        assert.deepEqual(ran.home, [])
        const without = await clone(`${git.url}/acme/app`, sha, { env })
        assert.deepEqual(await readdir(join(without.context, 'libs/a')), [])
      })

      it('gives the login to no other host', async () => {
        const other = await serve()
        const secret = await other.commit('acme/lib', { l: '1' })
        const git = await serve({ login })
        const sha = await git.commit(
          'acme/app',
          { '.gitmodules': modules({ lib: `${other.url}/acme/lib` }) },
          { submodules: { lib: secret } },
        )
        const more = ['submodules', `base=${git.url}/`]
        const ran = await clone(`${git.url}/acme/app`, sha, { env, more })
        assert.equal(ran.code, 0, ran.output)
        assert.ok(other.logins.length > 0)
        assert.deepEqual(new Set(other.logins), new Set([undefined]))
      })

      it('takes none from this machine, and runs nothing that a URL says', async () => {
        const git = await serve()
        const lib = await git.commit('acme/lib', { l: '1' })
        for (const url of [
          `file://${git.folder}/acme/lib`,
          `${git.folder}/acme/lib`,
          'ext::sh -c touch% /tmp/kanihook-was-here',
          '-u./x',
        ]) {
          const sha = await git.commit(
            'acme/app',
            { '.gitmodules': modules({ lib: url }) },
            { submodules: { lib } },
          )
          const ran = await clone(`${git.url}/acme/app`, sha, { more: ['submodules'] })
          assert.notEqual(ran.code, 0, url)
        }
      })

      it('says which one cannot be had', async () => {
        const git = await serve()
        const lib = await git.commit('acme/lib', { l: '1' })
        const sha = await git.commit(
          'acme/app',
          { '.gitmodules': modules({ 'libs/a': '../gone' }) },
          { submodules: { 'libs/a': lib } },
        )
        const ran = await clone(`${git.url}/acme/app`, sha, { more: ['submodules'] })
        assert.notEqual(ran.code, 0)
        assert.match(
          ran.output,
          /clone of '\S+\/acme\/gone' into submodule path '\S*libs\/a' failed/,
        )
      })
    })

    describe('with Git LFS', () => {
      const attributes = '*.bin filter=lfs diff=lfs merge=lfs -text\n'
      const more = ['lfs']

      it('gives files the content that Git LFS keeps, and without it leaves the pointers', async () => {
        const git = await serve({ login })
        const pointer = git.lfs.keep('large')
        const sha = await git.commit('acme/app', {
          '.gitattributes': attributes,
          'a.bin': pointer,
          'b/b.bin': git.lfs.keep('larger'),
          'c.txt': pointer,
        })
        const ran = await clone(`${git.url}/acme/app`, sha, { env, more })
        assert.equal(ran.code, 0, ran.output)
        const read = (path: string) => readFile(join(ran.context, path), 'utf8')
        assert.equal(await read('a.bin'), 'large')
        assert.equal(await read('b/b.bin'), 'larger')
        assert.equal(await read('c.txt'), pointer, 'no file of Git LFS')
        assert.deepEqual(ran.home, [])
        assert.ok(!ran.output.includes(login.password))
        const without = await clone(`${git.url}/acme/app`, sha, { env })
        assert.equal(await readFile(join(without.context, 'a.bin'), 'utf8'), pointer)
      })

      it('takes objects from where the repository is, whatever its .lfsconfig says', async () => {
        const other = await serve()
        const git = await serve({ login })
        const content = { '.gitattributes': attributes, 'a.bin': git.lfs.keep('large') }
        const place = `${other.url}/acme/app.git/info/lfs`
        for (const [config, sparse] of [
          [`[lfs]\n\turl = ${place}\n`, false],
          [`[lfs]\n\turl = ${place}\n`, true],
          [`[lfs]\n\turl = ssh://git@127.0.0.1:1/acme/app\n`, false],
          [`[remote "origin"]\n\tlfsurl = ${place}\n[remote "x"]\n\tlfsurl = ${place}\n`, false],
          [`[url "${other.url}/"]\n\tinsteadOf = ${git.url}/\n`, false],
          [
            `[lfs]\n\tstandalonetransferagent = x\n[lfs "customtransfer.x"]\n\tpath = touch\n\targs = ran\n`,
            false,
          ],
          [`[lfs "${git.url}"]\n\taccess = basic\n[credential]\n\thelper = !touch ran\n`, false],
        ] as const) {
          const sha = await git.commit('acme/app', { ...content, '.lfsconfig': config })
          const ran = await clone(`${git.url}/acme/app`, sha, {
            env,
            more: [...more, ...(sparse ? ['sparse=/a.bin', 'sparse=/.lfsconfig'] : [])],
          })
          assert.equal(ran.code, 0, ran.output)
          assert.equal(await readFile(join(ran.context, 'a.bin'), 'utf8'), 'large')
          assert.ok(!ran.files.includes('ran'), config)
        }
        assert.deepEqual(other.paths, [], 'another place was asked')
      })

      it('gives the login to no other place that holds the objects, nor when redirected', async () => {
        for (const guarded of [false, true]) {
          const other = await serve(guarded ? { login } : {})
          const git = await serve({ login, lfsObjectsAt: () => other.url })
          other.lfs.keep('large')
          const files = { '.gitattributes': attributes, 'a.bin': git.lfs.keep('large') }
          const sha = await git.commit('acme/app', files)
          const ran = await clone(`${git.url}/acme/app`, sha, { env, more })
          assert.equal(ran.code === 0, !guarded, ran.output)
          const sent = await serve({ redirectLfsTo: other.url })
          const ofSent = await sent.commit('acme/app', files)
          const redirected = await clone(`${sent.url}/acme/app`, ofSent, { env, more })
          assert.equal(redirected.code === 0, !guarded, redirected.output)
          assert.ok(other.paths.length > 1)
          assert.deepEqual(new Set(other.logins), new Set([undefined]))
        }
      })

      it('fetches no object that is not wanted', async () => {
        const config = {
          'uploadpack.allowFilter': 'true',
          'uploadpack.allowAnySHA1InWant': 'true',
        }
        const git = await serve({ config })
        const sha = await git.commit('acme/app', {
          '.gitattributes': attributes,
          '.lfsconfig': '[lfs]\n\tfetchexclude = *.left.bin\n',
          'api/a.bin': git.lfs.keep('wanted'),
          'api/b.left.bin': lfsPointer('left out'),
          'web/a.bin': lfsPointer('not there'),
        })
        const ran = await clone(`${git.url}/acme/app`, sha, {
          more: [...more, 'sparse=/api/', 'sparse=/.gitattributes', 'sparse=/.lfsconfig'],
          context: 'api',
        })
        assert.equal(ran.code, 0, ran.output)
        assert.equal(await readFile(join(ran.context, 'api/a.bin'), 'utf8'), 'wanted')
        const left = await readFile(join(ran.context, 'api/b.left.bin'), 'utf8')
        assert.equal(left, lfsPointer('left out'))
      })

      it("fetches those of submodules, from each one's own place, and the login stays at its own", async () => {
        const git = await serve({ login })
        // Names our forge in its answer, as if an object were there.
        const other = await serve({ lfsObjectsAt: () => git.url })
        const files = (content: string, { lfs }: GitServer) => ({
          '.gitattributes': attributes,
          'a.bin': lfs.keep(content),
          '.lfsconfig': `[lfs]\n\turl = ${git.url}/acme/app.git/info/lfs\n`,
        })
        const lib = await git.commit('acme/lib', files('of lib', git))
        const open = await other.commit('acme/open', files('of open', other))
        const modules = (paths: Readonly<Record<string, string>>): string =>
          Object.entries(paths)
            .map(([path, url]) => `[submodule "${path}"]\n\tpath = ${path}\n\turl = ${url}\n`)
            .join('')
        const build = async (urls: Readonly<Record<string, string>>, commits: object) => {
          const sha = await git.commit(
            'acme/app',
            { '.gitmodules': modules(urls) },
            { submodules: commits as Record<string, string> },
          )
          const wanted = [...more, 'submodules', `base=${git.url}/`, 'alias=git@own:']
          return clone(`${git.url}/acme/app`, sha, { env, more: wanted })
        }
        const ran = await build({ lib: 'git@own:acme/lib' }, { lib })
        assert.equal(ran.code, 0, ran.output)
        assert.equal(await readFile(join(ran.context, 'lib/a.bin'), 'utf8'), 'of lib')
        assert.ok(git.paths.includes('/acme/lib.git/info/lfs/objects/batch'))

        git.lfs.keep('of open')
        const before = git.logins.length
        const foreign = await build({ open: `${other.url}/acme/open` }, { open })
        assert.notEqual(foreign.code, 0)
        const asked = git.paths.map((path, i) => [path, git.logins[i]] as const).slice(before)
        const objects = asked.filter(([path]) => path.startsWith('/any/'))
        assert.ok(objects.length > 0, foreign.output)
        assert.deepEqual(new Set(objects.map(([, sent]) => sent)), new Set([undefined]))
        assert.deepEqual(new Set(other.logins), new Set([undefined]))
      })

      it('fails where an object is not there, even if .lfsconfig would do without', async () => {
        const git = await serve({ login })
        const sha = await git.commit('acme/app', {
          '.gitattributes': attributes,
          '.lfsconfig': '[lfs]\n\tskipdownloaderrors = true\n',
          'a.bin': lfsPointer('nowhere'),
        })
        const ran = await clone(`${git.url}/acme/app`, sha, { env, more })
        assert.notEqual(ran.code, 0)
        assert.match(ran.output, /^Error downloading object: a\.bin \(\w+\): .*\[404\]/m)
      })

      it('gives a login that Git LFS refuses no second time', async () => {
        const git = await serve({ login })
        const files = { '.gitattributes': attributes, 'a.bin': git.lfs.keep('large') }
        const sha = await git.commit('acme/app', files)
        git.lfs.refusal = { status: 401, message: 'no' }
        const ran = await clone(`${git.url}/acme/app`, sha, { env, more })
        assert.notEqual(ran.code, 0)
        assert.match(ran.output, /Git credentials for \S+ not found/)
        const tried = git.paths.filter((path, i) => git.lfs.isAsked(path) && git.logins[i])
        assert.equal(tried.length, 1)
      })

      it('says that the image has no git-lfs', async () => {
        const git = await serve()
        const sha = await git.commit('acme/app', { a: '1' })
        const bare = join(folder, `bare-${shell.length}`)
        await mkdir(bare)
        // Git looks for its commands where it is told to, beside PATH.
        const commands = join(bare, 'git-core')
        await mkdir(commands)
        const ran = await clone(`${git.url}/acme/app`, sha, {
          more,
          env: { GIT_EXEC_PATH: commands, PATH: await pathOf(bare, ['git', 'sh', 'busybox']) },
        })
        assert.equal(ran.code, 1)
        assert.equal(ran.output, 'This image has no git-lfs\n')
      })
    })

    it('fetches the files of a folder alone where that is all that is wanted', async () => {
      const git = await serve({
        config: { 'uploadpack.allowFilter': 'true', 'uploadpack.allowAnySHA1InWant': 'true' },
      })
      const files = { 'big/file': 'x', 'api/a': 'a', 'api/[x]/b': 'b', 'docker/D': 'FROM a', o: '' }
      const sha = await git.commit('acme/app', files)
      const more = ['sparse=/api/', 'sparse=/docker/D']
      const paths = { context: 'api', dockerfile: 'docker/D' }
      const ran = await clone(`${git.url}/acme/app`, sha, { more, ...paths })
      assert.equal(ran.code, 0, ran.output)
      assert.deepEqual(ran.files, ['api', 'docker'])
      assert.equal(await readFile(join(ran.context, 'api/[x]/b'), 'utf8'), 'b')
      const plain = await serve()
      const same = await plain.commit('acme/app', files)
      const fallback = await clone(`${plain.url}/acme/app`, same, { more, ...paths })
      assert.equal(fallback.code, 0, fallback.output)
      assert.deepEqual(fallback.files, ['api', 'docker'])
    })

    it('refuses a context, a Dockerfile or an ignore file that links out of the repository', async () => {
      const git = await serve()
      for (const [links, paths, what] of [
        [{ Dockerfile: '/etc/passwd' }, {}, 'Dockerfile Dockerfile'],
        [{ Dockerfile: '../docker/config.json' }, {}, 'Dockerfile Dockerfile'],
        [{ d: '../docker' }, { dockerfile: 'd/config.json' }, 'Dockerfile d/config.json'],
        [
          { one: 'two', two: '/proc/self' },
          { dockerfile: 'one/environ' },
          'Dockerfile one/environ',
        ],
        [{ api: '/' }, { context: 'api' }, 'context api'],
        [{ api: '..' }, { context: 'api' }, 'context api'],
        [{ '.dockerignore': '/etc/passwd' }, {}, 'ignore file ./.dockerignore'],
        [{ 'Dockerfile.dockerignore': '/etc/passwd' }, {}, 'ignore file Dockerfile.dockerignore'],
      ] as const) {
        const linked = Object.entries(links).map(([path, linkTo]) => [path, { linkTo }])
        const sha = await git.commit('acme/app', { a: '', ...Object.fromEntries(linked) })
        const ran = await clone(`${git.url}/acme/app`, sha, paths)
        assert.equal(ran.code, 1, ran.output)
        assert.ok(ran.output.includes(`The ${what} leads out of the repository`), ran.output)
      }
      const sha = await git.commit('acme/app', {
        'docker/D': '',
        'services/api/a': '',
        Dockerfile: { linkTo: 'docker/D' },
        api: { linkTo: 'services/api' },
        away: { linkTo: '/usr/share' },
      })
      const ran = await clone(`${git.url}/acme/app`, sha, { context: 'api' })
      assert.equal(ran.code, 0, ran.output)
    })

    it('refuses a context that is no folder of the commit', async () => {
      const git = await serve()
      const sha = await git.commit('acme/app', { Dockerfile: 'FROM one', 'api/a': '' })
      for (const context of ['shop', 'api/a']) {
        const ran = await clone(`${git.url}/acme/app`, sha, { context })
        assert.equal(ran.code, 1, ran.output)
        assert.match(
          ran.output,
          new RegExp(`^The context ${context} is not in the repository$`, 'm'),
        )
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
