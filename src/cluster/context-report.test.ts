import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { newFacts, type ContextFacts } from '../builds/facts.ts'
import { contextReport, terminationLog } from './context-report.ts'
import { lfsPointer } from '../../test/support/lfs-store.ts'
import { shells } from '../../test/support/shells.ts'

const folders: string[] = []
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))))

for (const [command = '', ...first] of shells) {
  describe(`the size of the context in ${[command, ...first].join(' ')}`, () => {
    /** What is understood of a folder with these files; a value of `->…` is a link. */
    async function report(
      files: Record<string, string>,
      context: string,
      dockerfile: string,
    ): Promise<ContextFacts | undefined> {
      const folder = await mkdtemp(join(tmpdir(), 'kanihook-context-'))
      folders.push(folder)
      const message = join(folder, 'message')
      await writeFile(message, '')
      const work = join(folder, 'work')
      await mkdir(work)
      for (const [path, text] of Object.entries(files)) {
        await mkdir(join(work, path, '..'), { recursive: true })
        if (text.startsWith('->')) await symlink(text.slice(2), join(work, path))
        else await writeFile(join(work, path), text)
      }
      const script = `set -eu\n${contextReport}\nreport_context "$@"`
      const { status, stderr } = spawnSync(
        command,
        [...first, '-c', script.replaceAll(terminationLog, message), 'x', context, dockerfile],
        { cwd: work, encoding: 'utf8' },
      )
      assert.equal(status, 0, stderr)
      const end = { exitCode: 0, reason: '', message: await readFile(message, 'utf8') }
      return newFacts(undefined, { ends: { clone: end } })?.context
    }

    it('counts the files of the context alone', async () => {
      const files = { Dockerfile: 'FROM x', 'app/a': 'x'.repeat(300_000), 'app/b/c': '1', d: '2' }
      const whole = await report(files, '.', 'Dockerfile')
      assert.deepEqual([whole?.files, whole?.dockerignore], [4, false])
      const part = await report(files, 'app', 'Dockerfile')
      assert.equal(part?.files, 2)
      assert.ok(part.bytes > 290_000 && part.bytes < 400_000, `${part.bytes}`)
    })

    it('knows the two places where Kaniko looks for a .dockerignore', async () => {
      const ignored = async (path: string): Promise<boolean | undefined> =>
        (await report({ [path]: '', 'app/a': '1' }, 'app', 'docker/Dockerfile'))?.dockerignore
      assert.equal(await ignored('app/.dockerignore'), true)
      assert.equal(await ignored('docker/Dockerfile.dockerignore'), true)
      assert.equal(await ignored('.dockerignore'), false)
    })

    it('counts the pointers of Git LFS in it', async () => {
      const pointer = lfsPointer('x')
      const files = {
        'a.bin': pointer,
        'b/-c.bin': pointer,
        d: 'oid sha256:1',
        'e.md': `${pointer}${'x'.repeat(1024)}`,
      }
      assert.equal((await report(files, '.', 'Dockerfile'))?.pointers, 2)
      assert.equal((await report(files, 'b', 'Dockerfile'))?.pointers, 1)
      assert.equal((await report({ a: '1' }, '.', 'Dockerfile'))?.pointers, undefined)
    })

    it('does not follow a link out of the context, and fails no build', async () => {
      const links = await report({ a: '->/', b: '->/usr' }, '.', 'Dockerfile')
      assert.equal(links?.files, 0)
      assert.ok(links.bytes < 100_000)
      assert.equal((await report({}, 'not there', '-x'))?.files ?? 0, 0)
      assert.equal((await report({ '-name': '1' }, '.', '$(id)'))?.files, 1)
    })
  })
}
