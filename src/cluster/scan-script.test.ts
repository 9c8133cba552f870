import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { countsText, findingsExitCode, readScan } from '../builds/scan.ts'
import { scanScript } from './scan-script.ts'
import { shells } from '../../test/support/shells.ts'

const row = (...words: string[]): string => `${words.join('\t')}\n`
const busybox = row('HIGH', 'CVE-2026-0001', 'busybox', '1.37.0-r18', '1.37.0-r19')
const lodash = row('CRITICAL', 'CVE-2026-0003', 'lodash', '4.17.20', '')

/** As go-containerregistry writes it. */
const image = {
  mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
  size: 1,
  digest: `sha256:${'a1'.repeat(32)}`,
}
const index = { schemaVersion: 2, manifests: [image] }

interface Options {
  readonly findings?: string
  readonly flags?: readonly string[]
  readonly onFindings?: 'fail' | 'warn'
  /** Text of the ignore file; undefined: there is none. */
  readonly ignored?: string
  readonly link?: boolean
  readonly index?: object
  readonly failing?: boolean
}

for (const shell of shells) {
  describe(`the scan script in ${shell.join(' ')}`, () => {
    let root: string
    before(async () => {
      root = await mkdtemp(join(tmpdir(), 'kanihook-scan-'))
    })
    after(() => rm(root, { recursive: true, force: true }))

    /** Runs it with a trivy that writes down how it was called, and finds what it is told to. */
    async function scan(options: Options = {}) {
      const { findings = '', flags = [], onFindings = 'fail', ignored, link, failing } = options
      const work = await mkdtemp(join(root, 'run-'))
      const [layout, folder] = [join(work, 'layout'), join(work, 'folder')]
      const [calls, message, ignore] = [
        join(work, 'calls'),
        join(work, 'message'),
        join(work, 'ignore'),
      ]
      await mkdir(join(layout, 'blobs'), { recursive: true })
      await mkdir(folder)
      await writeFile(join(layout, 'index.json'), JSON.stringify(options.index ?? index))
      if (link) await symlink('/etc/passwd', join(layout, 'oci-layout'))
      if (ignored !== undefined) await writeFile(ignore, ignored)
      await writeFile(join(work, 'found'), findings)
      await writeFile(calls, '')
      await writeFile(message, '')
      const trivy = join(work, 'trivy')
      await writeFile(
        trivy,
        `#!/bin/sh
echo "$*" >>${calls}
[ -n "$TRIVY_CACHE_DIR" ] || exit 9
case "$*" in
  image*) ${failing ? 'echo "FATAL: no database" >&2; exit 1' : 'echo scanning >&2'} ;;
  *'--format template'*) cp ${work}/found ${folder}/findings ;;
  *) echo "a table of findings" ;;
esac
`,
      )
      await chmod(trivy, 0o755)
      const [command, ...first] = shell
      const { status, stdout } = spawnSync(
        command,
        [
          ...first,
          '-c',
          scanScript.replaceAll('/dev/termination-log', message),
          'scan',
          layout,
          folder,
          ignore,
          onFindings,
          ...flags,
        ],
        { encoding: 'utf8', env: { PATH: `${work}:${process.env['PATH']}` } },
      )
      return {
        status,
        stdout,
        called: (await readFile(calls, 'utf8')).replaceAll(work, '<work>').split('\n'),
        report: readScan({ message: await readFile(message, 'utf8') }),
        message: await readFile(message, 'utf8'),
      }
    }

    it('ends well and says so where nothing is found', async () => {
      const { status, stdout, report } = await scan()
      assert.equal(status, 0, stdout)
      assert.deepEqual(report, { counts: {}, findings: [] })
      assert.match(stdout, /^Nothing found$/m)
    })

    it('ends with a code of its own where something is found, and tells the worst first', async () => {
      const { status, stdout, report } = await scan({ findings: busybox + busybox + lodash })
      assert.equal(status, findingsExitCode, stdout)
      assert.equal(countsText(report!), '1 critical, 2 high')
      assert.deepEqual(
        report?.findings.map(({ id }) => id),
        ['CVE-2026-0003', 'CVE-2026-0001'],
      )
      assert.match(stdout, /^a table of findings$/m)
    })

    it('tells what it finds, and ends well, where that is to be told alone', async () => {
      const { status, report } = await scan({ findings: busybox, onFindings: 'warn' })
      assert.deepEqual([status, report?.counts], [0, { HIGH: 1 }])
    })

    it('keeps what it tells within what Kubernetes keeps, with the whole numbers', async () => {
      const findings = Array.from({ length: 400 }, (_, i) =>
        row('HIGH', `CVE-2026-${1000 + i}`, 'openssl', '3.5.0', '3.5.1'),
      ).join('')
      const { message, report } = await scan({ findings })
      assert.ok(Buffer.byteLength(message) <= 4096)
      assert.equal(report?.counts.HIGH, 400)
      assert.ok(report.findings.length > 50 && report.findings.length < 400)
    })

    it('gives trivy its flags and the ignore file, where there is one', async () => {
      const flags = ['--severity=HIGH', '--db-repository=$(touch pwned)']
      const asked = flags.join(' ')
      const [with_ = ''] = (await scan({ flags, ignored: 'CVE-2026-0001\n' })).called
      assert.ok(with_.endsWith(` ${asked} --ignorefile <work>/ignore`), with_)
      const [without = ''] = (await scan({ flags })).called
      assert.ok(without.endsWith(` ${asked}`), without)
    })

    it('ends as trivy does where that cannot scan, and says nothing of the image', async () => {
      const { status, stdout, report } = await scan({ failing: true, findings: busybox })
      assert.deepEqual([status, report], [1, undefined])
      assert.match(stdout, /FATAL: no database/)
    })

    it('asks nothing of trivy where it would look at one of several images', async () => {
      const nested = { ...image, mediaType: 'application/vnd.oci.image.index.v1+json' }
      const { status, stdout, called } = await scan({ index: { ...index, manifests: [nested] } })
      assert.deepEqual([status, called], [1, ['']])
      assert.match(stdout, /holds something else than one image/)
    })

    it('asks nothing of trivy where a RUN step left a link in the layout', async () => {
      const { status, stdout, called } = await scan({ link: true })
      assert.deepEqual([status, called], [1, ['']])
      assert.match(stdout, /holds a link/)
    })
  })
}
