import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { CoreV1Api } from '@kubernetes/client-node'
import type { SshKey } from '../../../src/builds/ports.ts'
import { runChecks } from '../../../src/doctor/checks.ts'
import { cloneSecretChecks } from '../../../src/doctor/clone-secrets.ts'
import { cloneTargets } from '../../../src/doctor/clone-targets.ts'
import { forges } from '../../../src/forges/index.ts'
import { readEnvironment } from '../../../src/settings/environment.ts'
import {
  createScriptedRunner,
  Refusal,
  startKubernetes,
  type Kubernetes,
} from '../../stand-ins/kubernetes/index.ts'
import { freePort } from '../../support/free-port.ts'
import { startGitServer, type GitServer } from '../../support/git-server.ts'
import { hasSshServer, startSshServer, type SshServer } from '../../support/ssh-server.ts'

const run = promisify(execFile)

/** What is found out about the Secrets that git logs in with. git and ssh are the real ones. */

const login = { username: 'robot', password: 'canary-clone-token' }
const name = 'shop-key'

let git: GitServer
let kubernetes: Kubernetes
before(async () => {
  git = await startGitServer({ login })
  await git.commit('acme/shop.git', { a: 'a' })
})
after(() => git?.stop())
beforeEach(async () => {
  kubernetes = await startKubernetes({ runner: createScriptedRunner().run })
})
afterEach(() => kubernetes.stop())

interface Look {
  /** Where an entry has this Secret; `acme/shop` unless said. */
  readonly paths?: readonly string[]
  readonly url?: string
  readonly sshUrl?: string
  readonly reached?: boolean
}

/** The lines about the Secret, as it is in the cluster now. */
async function look({ paths = ['acme/shop'], url = git.url, sshUrl, reached = true }: Look = {}) {
  const settings = readEnvironment(
    {
      GITEA_URL: url,
      GITEA_TOKEN: 'token',
      GITEA_WEBHOOK_SECRETS: 'x'.repeat(16),
      ...(sshUrl === undefined ? {} : { GITEA_SSH_URL: sshUrl }),
    },
    { forges },
  )
  const { host } = new URL(url)
  const entries = paths.map((path) => ({ match: `${host}/${path}`, cloneSecret: name }))
  const { checks, values } = cloneSecretChecks({
    targets: cloneTargets(entries, settings.forges),
    drivers: forges,
    settings,
    api: kubernetes.kubeConfig().makeApiClient(CoreV1Api),
    reached: Promise.resolve({ reached }),
  })
  const { findings } = await runChecks(checks, 10_000)
  assert.ok(!JSON.stringify(findings).includes(login.password), 'the password is shown')
  const lines = findings.map(
    ({ area, subject, severity, message, fix }) =>
      `${severity} ${area} ${subject}: ${message}${fix === undefined ? '' : ` → ${fix}`}`,
  )
  return { lines, values, host }
}

const putToken = (change: Partial<typeof login> = {}): void =>
  kubernetes.putSecret(name, { ...login, ...change }, undefined, 'kubernetes.io/basic-auth')

const putKey = ({ privateKey, knownHosts }: Partial<SshKey>): void =>
  kubernetes.putSecret(
    name,
    {
      ...(privateKey === undefined ? {} : { 'ssh-privatekey': privateKey }),
      ...(knownHosts === undefined ? {} : { known_hosts: knownHosts }),
    },
    undefined,
    'kubernetes.io/ssh-auth',
  )

describe('a cloneSecret with a token', () => {
  it('that reads the repository of its entry is fine; of a glob that is seen later', async () => {
    putToken()
    const { lines, values, host } = await look({ paths: ['acme/shop', 'acme/*'] })
    assert.deepEqual(lines, [
      `ok forge cloneSecret ${name}: its token reads ${host}/acme/shop`,
      `ok forge cloneSecret ${name}: is a token; whether it reads ${host}/acme/* is seen with the first push`,
    ])
    assert.deepEqual([...values], [login.password])
  })

  it('that git refuses is an error of the repository that it is refused for', async () => {
    putToken({ password: 'not-the-token' })
    const { lines, host } = await look()
    assert.equal(lines.length, 1)
    assert.match(
      lines[0] ?? '',
      new RegExp(`^error .*: Git refused access to ${host}/acme/shop: check Secret ${name} \\(`),
    )
  })

  it('is told apart by repository: one that is not there spoils no other', async () => {
    putToken()
    const { lines, host } = await look({ paths: ['acme/shop', 'acme/none'] })
    assert.equal(lines[0], `ok forge cloneSecret ${name}: its token reads ${host}/acme/shop`)
    assert.match(lines[1] ?? '', /^error .*: Git refused access to \S+\/acme\/none: /)
    assert.equal(lines.length, 2)
  })

  it('of a forge that is away says what the network says, and what to mend', async () => {
    putToken()
    const url = `http://127.0.0.1:${await freePort()}`
    const { lines } = await look({ url })
    assert.match(
      lines[0] ?? '',
      /^error .*: Cannot ask git about .* → let this machine reach it, or mend GITEA_URL or GITEA_SSH_URL$/,
    )
  })
})

describe('a cloneSecret', () => {
  it('that is not there gets the commands that make one', async () => {
    const { lines } = await look()
    assert.match(
      lines[0] ?? '',
      /^error forge cloneSecret shop-key: there is no such Secret in kanihook-builds → kubectl -n kanihook-builds create secret generic shop-key --type=kubernetes\.io\/ssh-auth --from-file=ssh-privatekey=<file> --from-file=known_hosts=<file>, or --type=kubernetes\.io\/basic-auth /,
    )
  })

  it('of another type, or without one of its keys, is told what is taken', async () => {
    kubernetes.putSecret(name, { password: 'x' })
    const [typed] = (await look()).lines
    assert.match(
      typed ?? '',
      /^error .*of the type Opaque: a cloneSecret is kubernetes\.io\/ssh-auth or kubernetes\.io\/basic-auth/,
    )
  })

  for (const [what, put, says] of [
    [
      'an SSH key without known_hosts',
      () => putKey({ privateKey: 'k' }),
      /has no key known_hosts: add the output of ssh-keyscan/,
    ],
    [
      'known_hosts without an SSH key',
      () => putKey({ knownHosts: 'h' }),
      /has no key ssh-privatekey/,
    ],
    ['a token without a user', () => putToken({ username: '' }), /has no key username/],
  ] as const) {
    it(`of ${what} is told which key to add`, async () => {
      put()
      const { lines } = await look()
      assert.match(lines[0] ?? '', says)
      assert.match(lines[0] ?? '', /^error /)
    })
  }

  it('that this account may not read is a warning, and with the cluster away nothing is said', async () => {
    const answer = new Refusal(403, 'Forbidden', 'no')
    kubernetes.fault({ match: /secrets/, answer, times: 9 })
    assert.match(
      (await look()).lines[0] ?? '',
      /^warning .*: not checked: it cannot be read: this account may not$/,
    )
    assert.deepEqual((await look({ reached: false })).lines, [])
  })
})

describe('a cloneSecret with a key', { skip: !hasSshServer && 'no sshd here' }, () => {
  let ssh: SshServer
  before(async () => {
    ssh = await startSshServer(git.folder)
  })
  after(() => ssh?.stop())
  const bySsh = (more: Look = {}) => look({ sshUrl: ssh.url, ...more })
  const port = (): string => new URL(ssh.url).port

  it('that is let in is fine', async () => {
    putKey(ssh.login)
    const { lines, host } = await bySsh()
    assert.deepEqual(lines, [`ok forge cloneSecret ${name}: its key reads ${host}/acme/shop`])
  })

  it('that the server does not know is asked for as a deploy key', async () => {
    putKey({ ...ssh.login, privateKey: ssh.stranger.privateKey })
    const { lines } = await bySsh()
    assert.match(
      lines[0] ?? '',
      /^error .*: Git login refused for \S+\/acme\/shop: is the public key of Secret shop-key a deploy key there\?$/,
    )
  })

  it('whose server shows another key than it has is not believed', async () => {
    putKey({ ...ssh.login, knownHosts: `${ssh.knownAs} ${ssh.stranger.publicKey}` })
    assert.match((await bySsh()).lines[0] ?? '', /^error .*is not the one in Secret shop-key: /)
  })

  it('whose known_hosts lacks the forge gets the command that asks for it, also for a glob', async () => {
    putKey({ ...ssh.login, knownHosts: `github.com ${ssh.stranger.publicKey}` })
    for (const paths of [['acme/shop'], ['acme/*']]) {
      assert.deepEqual((await bySsh({ paths })).lines, [
        `error forge cloneSecret ${name}: its known_hosts has no line for ${ssh.knownAs} → add the output of ssh-keyscan -p ${port()} 127.0.0.1, after comparing fingerprints with the forge's`,
      ])
    }
  })

  it('that a passphrase protects is told to be made without one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kanihook-passphrase-'))
    try {
      const file = join(folder, 'key')
      await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'a phrase', '-f', file])
      putKey({ ...ssh.login, privateKey: await readFile(file, 'utf8') })
      assert.deepEqual((await bySsh({ paths: ['acme/*'] })).lines, [
        `error forge cloneSecret ${name}: its ssh-privatekey is protected by a passphrase, which nobody is there to type → make a key without one: ssh-keygen -t ed25519 -N ''`,
      ])
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('that is none, or public, is told before any server is asked', async () => {
    putKey({ ...ssh.login, privateKey: ssh.stranger.publicKey })
    const [known] = (await look({ url: 'https://git.example.com' })).lines
    assert.match(known ?? '', /^error .*: its ssh-privatekey is a public key → put the private one/)
  })
})
