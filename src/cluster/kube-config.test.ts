import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { ConfigError } from '../errors.ts'
import { loadKubeConfig } from './kube-config.ts'

const canary = 'canary-kube-token-6e2d'

describe('a KUBECONFIG that cannot be used says where the fault is and nothing of its content:', () => {
  const outer = process.env['KUBECONFIG']
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kanihook-kubeconfig-'))
  })
  after(async () => {
    if (outer === undefined) delete process.env['KUBECONFIG']
    else process.env['KUBECONFIG'] = outer
    await rm(folder, { recursive: true })
  })

  async function faultOf(text: string, path = join(folder, 'config')): Promise<string> {
    await writeFile(join(folder, 'config'), text)
    process.env['KUBECONFIG'] = path
    try {
      loadKubeConfig()
    } catch (error) {
      assert(error instanceof ConfigError)
      assert(!`${error.stack} ${String(error.cause)}`.includes(canary), error.stack)
      return error.message.replace('KUBECONFIG cannot be used: ', '')
    }
    throw new Error('it was used')
  }

  for (const [what, text, said] of [
    [
      'YAML that ends too early',
      `users: [{ name: u, user: { token: ${canary}\n`,
      'the file is not YAML, at line 2, column 1',
    ],
    ['an alias', `token: *${canary}`, 'the file is not YAML, at line 1, column 9'],
    ['an empty file', '', 'the file is not YAML'],
    [
      'a user without a name',
      `users: [{ user: { token: ${canary} } }]`,
      'users[0].name is missing',
    ],
    [
      'a value of another type',
      `clusters: [{ name: ${canary}, cluster: { server: 1 } }]`,
      'the file is not a kubeconfig',
    ],
    [
      'a file of something else',
      canary,
      'no cluster is configured: set KUBECONFIG, or run in a pod',
    ],
  ] as const) {
    it(what, async () => assert.equal(await faultOf(text), said))
  }

  it('the content in place of its name', async () => {
    const said = await faultOf('', `users: [{ user: { token: ${canary} } }]`.replaceAll(':', '='))
    assert.equal(said, 'a file that it names cannot be read (ENOENT)')
  })
})
