import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { publishScript } from './publish-script.ts'
import { shells } from '../../test/support/shells.ts'

const digest = `sha256:${'a1'.repeat(32)}`

/** As go-containerregistry writes it. */
const index = {
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.index.v1+json',
  manifests: [
    { mediaType: 'application/vnd.docker.distribution.manifest.v2+json', size: 1, digest },
  ],
}

for (const shell of shells) {
  describe(`the publish script in ${shell.join(' ')}`, () => {
    let folder: string
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'kanihook-publish-'))
    })
    after(() => rm(folder, { recursive: true, force: true }))

    /** Runs it with a crane that writes down how it was called, and fails where it is told to. */
    async function publish(
      places: readonly string[],
      options: { text?: string; failing?: string; link?: string } = {},
    ) {
      const work = await mkdtemp(join(folder, 'run-'))
      const layout = join(work, 'layout')
      const [calls, message] = [join(work, 'calls'), join(work, 'message')]
      await mkdir(join(layout, 'blobs'), { recursive: true })
      const text = options.text ?? JSON.stringify(index, undefined, 3)
      await writeFile(join(layout, 'index.json'), text)
      if (options.link) await symlink('/etc/passwd', join(layout, options.link))
      const crane = join(work, 'crane')
      const fault = options.failing ? `case "$*" in ${options.failing}) exit 1 ;; esac` : ''
      await writeFile(crane, `#!/bin/sh\necho "$*" >>${calls}\n${fault}\n`)
      await chmod(crane, 0o755)
      await writeFile(calls, '')
      await writeFile(message, '')
      const [command, ...first] = shell
      const script = publishScript.replaceAll('/dev/termination-log', message)
      const { status, stdout } = spawnSync(
        command,
        [...first, '-c', script, 'publish', layout, ...places],
        { encoding: 'utf8', env: { PATH: `${work}:${process.env['PATH']}` } },
      )
      const called = (await readFile(calls, 'utf8')).replaceAll(layout, '<layout>').split('\n')
      return {
        status,
        stdout,
        calls: called.slice(0, -1),
        message: await readFile(message, 'utf8'),
      }
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

    it('pushes by digest to every repository before it moves a tag, and tells all of them', async () => {
      for (const text of [JSON.stringify(index), JSON.stringify(index, undefined, 3)]) {
        const { status, stdout, calls, message } = await publish(places, { text })
        assert.equal(status, 0, stdout)
        assert.deepEqual(calls, [
          `push --insecure <layout> a:5000/x@${digest}`,
          `push <layout> b/y@${digest}`,
          `tag --insecure a:5000/x@${digest} main`,
          `tag --insecure a:5000/x@${digest} v1`,
          `tag b/y@${digest} main`,
        ])
        assert.equal(
          message,
          ['a:5000/x:main', 'a:5000/x:v1', 'b/y:main']
            .map((place) => `${place}@${digest}\n`)
            .join(''),
        )
      }
    })

    it('moves no tag where a push fails, and tells of none where a tag cannot be moved', async () => {
      const unpushed = await publish(places, { failing: '"push"*b/y*' })
      assert.deepEqual([unpushed.status, unpushed.message, unpushed.calls.length], [1, '', 2])
      const unmoved = await publish(places, { failing: '"tag"*v1' })
      assert.deepEqual([unmoved.status, unmoved.message, unmoved.calls.length], [1, '', 4])
      assert.match(unmoved.stdout, /Tagging a:5000\/x:v1\n$/)
    })

    it('touches nothing where a RUN step left a link in the layout', async () => {
      for (const link of ['oci-layout', 'blobs/sha256']) {
        const { status, stdout, calls } = await publish(places, { link })
        assert.deepEqual([status, calls], [1, []])
        assert.match(stdout, /holds a link/)
      }
    })

    it('touches nothing but an image: what else a RUN step put in its place is not looked into', async () => {
      const [one] = index.manifests
      const nested = { ...one, mediaType: 'application/vnd.oci.image.index.v1+json' }
      const list = {
        ...one,
        mediaType: 'application/vnd.docker.distribution.manifest.list.v2+json',
      }
      const others = { ...one, digest: `sha256:${'b2'.repeat(32)}` }
      for (const text of [
        ...[[nested], [list], [one, others], []].map((manifests) =>
          JSON.stringify({ ...index, manifests }),
        ),
        JSON.stringify({ ...index, more: [] }),
        '',
        'not JSON',
      ]) {
        const { status, stdout, calls } = await publish(places, { text })
        assert.deepEqual([status, calls], [1, []], text)
        assert.match(stdout, /holds something else than one image/)
      }
    })

    it('takes tags and repositories for no more than words', async () => {
      const odd = ['', 'a/x', '$(touch pwned)', '', 'a/"; touch pwned', '-n']
      const { status, calls } = await publish(odd)
      assert.equal(status, 0)
      assert.deepEqual(calls.slice(2), [
        `tag a/x@${digest} $(touch pwned)`,
        `tag a/"; touch pwned@${digest} -n`,
      ])
    })
  })
}
