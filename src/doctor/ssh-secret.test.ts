import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { keyFault, knowsHost, sshPlace } from './ssh-secret.ts'

/** Keys and lines as OpenSSH's own programs write them. */
const without = spawnSync('ssh-keygen', ['-?']).error !== undefined && 'no ssh-keygen here'
let folder: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'kanihook-keys-'))
})
after(() => rmSync(folder, { recursive: true, force: true }))

function generate(name: string, ...args: string[]): string {
  const file = join(folder, name)
  execFileSync('ssh-keygen', ['-q', '-C', 'a b', '-f', file, ...args])
  return readFileSync(file, 'utf8')
}

describe('a private key', { skip: without }, () => {
  const formats = [
    ['OpenSSH', ['-t', 'ed25519']],
    ['PEM', ['-t', 'rsa', '-b', '2048', '-m', 'PEM']],
    ['PKCS8', ['-t', 'ecdsa', '-m', 'PKCS8']],
  ] as const
  for (const [format, args] of formats) {
    it(`of the format ${format} is used, unless a passphrase protects it`, () => {
      const open = generate(`${format}-open`, ...args, '-N', '')
      assert.equal(keyFault(open), undefined)
      assert.equal(keyFault(open.trimEnd().replaceAll('\n', '\r\n')), undefined)
      const locked = generate(`${format}-locked`, ...args, '-N', 'a secret phrase')
      assert.equal(keyFault(locked), 'passphrase')
      const known = readFileSync(join(folder, `${format}-open.pub`), 'utf8')
      assert.equal(keyFault(known), 'public')
    })
  }

  it('that is cut off, or something else, is unreadable', () => {
    const whole = generate('whole', '-t', 'ed25519', '-N', '')
    assert.equal(keyFault(whole.slice(0, 90)), 'unreadable')
    assert.equal(keyFault(whole.replace('b3BlbnNza', 'AAAAAAAAA')), 'unreadable')
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    assert.equal(keyFault(pem), 'unreadable')
    assert.equal(keyFault('hunter2'), 'unreadable')
  })
})

describe('known_hosts', () => {
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGg'
  const [plain, odd] = [sshPlace('ssh://git@git.acme.io/a'), sshPlace('ssh://git.acme.io:2222/a')]

  it('knows a server by its name, by a pattern, or beside others', () => {
    for (const hosts of ['git.acme.io', 'GIT.acme.io', '10.0.0.1,git.acme.io', '*.acme.i?']) {
      assert.ok(knowsHost(`# of ours\n\n${hosts} ${key}\n`, plain), hosts)
    }
    assert.ok(knowsHost(`@cert-authority *.acme.io ${key}`, plain))
  })

  it('knows one at another port by that, or by the name alone', () => {
    assert.ok(knowsHost(`[git.acme.io]:2222 ${key}`, odd))
    assert.ok(knowsHost(`git.acme.io ${key}`, odd))
    assert.ok(!knowsHost(`[git.acme.io]:2222 ${key}`, plain))
    assert.ok(!knowsHost(`[git.acme.io]:22 ${key}`, odd))
  })

  it('knows none that is left out, revoked, commented out, or only like it', () => {
    for (const hosts of [
      'gitxacme.io',
      'git.acme.io.evil.example',
      '*.acme.io,!git.acme.io',
      '@revoked git.acme.io',
      '#git.acme.io',
    ]) {
      assert.ok(!knowsHost(`${hosts} ${key}`, plain), hosts)
    }
    assert.ok(!knowsHost('', plain))
  })

  it('knows a server whose name OpenSSH has hashed', { skip: without }, () => {
    const file = join(folder, 'known_hosts')
    writeFileSync(file, `git.acme.io ${hostKey()}\n[git.acme.io]:2222 ${hostKey()}\n`)
    execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' })
    const hashed = readFileSync(file, 'utf8')
    assert.match(hashed, /^\|1\|/)
    const [first = '', second = ''] = hashed.split('\n')
    assert.ok(knowsHost(first, plain))
    assert.ok(knowsHost(second, odd) && !knowsHost(second, plain))
    assert.ok(!knowsHost(hashed, sshPlace('ssh://git@other.acme.io/a')))
  })

  const hostKey = (): string => {
    const file = join(folder, 'host')
    try {
      return readFileSync(`${file}.pub`, 'utf8').trim()
    } catch {
      generate('host', '-t', 'ed25519', '-N', '')
      return readFileSync(`${file}.pub`, 'utf8').trim()
    }
  }
})
