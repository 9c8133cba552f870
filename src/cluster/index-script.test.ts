import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { indexScript } from './index-script.ts'
import { shells } from '../../test/support/shells.ts'

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`
const images = [digest('b'), digest('a')]
const index = digest('c')

for (const shell of shells) {
  describe(`the index script in ${shell.join(' ')}`, () => {
    let folder: string
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'kanihook-index-'))
    })
    after(() => rm(folder, { recursive: true, force: true }))

    /** Runs it with a crane that writes down how it was called, and fails where it is told to. */
    async function publish(places: readonly string[], failing?: string) {
      const work = await mkdtemp(join(folder, 'run-'))
      const [calls, message, crane] = [
        join(work, 'calls'),
        join(work, 'message'),
        join(work, 'crane'),
      ]
      const fault = failing ? `case "$*" in ${failing}) exit 1 ;; esac` : ''
      const answer = `[ "$1" = index ] && echo some/repository@${index}`
      await writeFile(
        crane,
        `#!/bin/sh\necho "$*" >>${calls}\n${fault}\necho a warning >&2\n${answer}\ntrue\n`,
      )
      await chmod(crane, 0o755)
      await writeFile(calls, '')
      await writeFile(message, '')
      const [command, ...first] = shell
      const script = indexScript.replaceAll('/dev/termination-log', message)
      const { status, stdout } = spawnSync(
        command,
        [...first, '-c', script, 'index', ...images, '--', ...places],
        { encoding: 'utf8', env: { PATH: `${work}:${process.env['PATH']}` } },
      )
      const called = (await readFile(calls, 'utf8')).split('\n').slice(0, -1)
      return { status, stdout, calls: called, message: await readFile(message, 'utf8') }
    }

    const places = [
      '--insecure',
      'a:5000/x',
      'main',
      '--insecure',
      'a:5000/x',
      'v1',
      '',
      'b/y',
      'main',
    ]
    const of = (repository: string): string =>
      images.map((image) => `-m ${repository}@${image}`).join(' ')

    it('makes one index in each repository, of the images in their order, and then moves the other tags', async () => {
      const { status, stdout, calls, message } = await publish(places)
      assert.equal(status, 0, stdout)
      assert.deepEqual(calls, [
        `index append --insecure ${of('a:5000/x')} -t a:5000/x:main`,
        `index append ${of('b/y')} -t b/y:main`,
        `tag --insecure a:5000/x@${index} v1`,
      ])
      assert.equal(
        message,
        ['a:5000/x:main', 'a:5000/x:v1', 'b/y:main'].map((place) => `${place}@${index}\n`).join(''),
      )
      assert.match(stdout, /Pushing to b\/y:main\na warning\nTagging a:5000\/x:v1\n/)
    })

    it('moves no other tag where an index cannot be made, and tells of none', async () => {
      const unmade = await publish(places, '"index append"*b/y*')
      assert.deepEqual([unmade.status, unmade.message, unmade.calls.length], [1, '', 2])
      const unmoved = await publish(places, '"tag"*v1')
      assert.deepEqual([unmoved.status, unmoved.message], [1, ''])
    })

    it('takes tags and repositories for no more than words', async () => {
      const { status, calls } = await publish([
        '',
        'a/"; touch pwned',
        '$(touch pwned)',
        '',
        'a/x',
        '*',
      ])
      assert.equal(status, 0)
      assert.deepEqual(calls, [
        `index append ${of('a/"; touch pwned')} -t a/"; touch pwned:$(touch pwned)`,
        `index append ${of('a/x')} -t a/x:*`,
      ])
    })
  })
}
