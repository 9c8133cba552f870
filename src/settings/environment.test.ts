import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { readApiSettings } from '../cli/api/settings.ts'
import { ConfigError } from '../errors.ts'
import { forges as drivers } from '../forges/index.ts'
import { readEnvironment } from './environment.ts'
import type { ForgeFacts } from './forge-settings.ts'

const forges: readonly ForgeFacts[] = [
  {
    name: 'github',
    defaultUrl: 'https://github.com',
    isSelfHosted: false,
    apiUrl: (url) => (url === 'https://github.com' ? 'https://api.github.com' : `${url}/api/v3`),
    hasApps: true,
  },
  {
    name: 'gitlab',
    defaultUrl: 'https://gitlab.com',
    isSelfHosted: false,
    apiUrl: (url) => `${url}/api/v4`,
    hasApps: false,
  },
  {
    name: 'gitea',
    defaultUrl: '',
    isSelfHosted: true,
    apiUrl: (url) => `${url}/api/v1`,
    hasApps: false,
  },
]
type Env = Readonly<Record<string, string | undefined>>

const secret = 'a-webhook-secret-that-is-long'
const token = 'ghp_canary-token'
const base = { GITHUB_WEBHOOK_SECRETS: secret, GITHUB_TOKEN: token }
const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})

function readFile(files: Env) {
  return (path: string): string => {
    const text = files[path]
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
    return text
  }
}
const settingsOf = (env: Env, files: Env = {}) =>
  readEnvironment(env, { forges, readFile: readFile(files) })

function faultsOf(env: Env, files: Env = {}): readonly string[] {
  try {
    settingsOf(env, files)
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error.faults
  }
  return []
}

test('a secret and a token are enough; all else has a default', () => {
  assert.deepEqual(settingsOf(base), {
    roles: ['receiver', 'worker'],
    host: '0.0.0.0',
    port: 8080,
    adminHost: '0.0.0.0',
    adminPort: 9090,
    redisUrl: 'redis://127.0.0.1:6379',
    configFile: 'kanihook.yaml',
    publicUrl: 'http://localhost:8080',
    logLevel: 'info',
    logFormat: 'json',
    forges: new Map([
      [
        'github',
        {
          url: 'https://github.com',
          apiUrl: 'https://api.github.com',
          webhookSecrets: [secret],
          login: { token },
        },
      ],
    ]),
    webhookSecretsDir: undefined,
    buildNamespace: 'kanihook-builds',
    kanikoImage: 'ghcr.io/osscontainertools/kaniko:v1.28.3',
    kanikoShell: '',
    cloneImage: 'docker.io/alpine/git:v2.54.0',
    scanImage: 'ghcr.io/aquasecurity/trivy:0.74.0',
    publishImage: 'gcr.io/go-containerregistry/crane/debug:v0.22.1',
    maxBuilds: 20,
    maxBuildsPerRepository: 0,
    adminTokens: [],
    linkSecrets: [],
    pages: 'link',
    buildRetentionMs: 2_592_000_000,
    logRetentionMs: 604_800_000,
    sweepIntervalMs: 600_000,
    shutdownTimeoutMs: 25_000,
    uploads: undefined,
    warnings: [
      {
        variable: 'PUBLIC_URL',
        message:
          'PUBLIC_URL is not set: the links in statuses lead to localhost (set it to where PORT is reached from outside)',
      },
    ],
  })
})

describe('a variable is read', () => {
  for (const [name, text, setting, value] of [
    ['KANIHOOK_ROLES', 'worker, receiver,worker', 'roles', ['receiver', 'worker']],
    ['HOST', '::', 'host', '::'],
    ['PORT', '0', 'port', 0],
    ['ADMIN_HOST', '127.0.0.1', 'adminHost', '127.0.0.1'],
    ['ADMIN_PORT', '65535', 'adminPort', 65_535],
    ['REDIS_URL', 'rediss://u:p@redis:6380/2', 'redisUrl', 'rediss://u:p@redis:6380/2'],
    ['KANIHOOK_CONFIG', '/etc/kanihook/kanihook.yaml', 'configFile', '/etc/kanihook/kanihook.yaml'],
    [
      'PUBLIC_URL',
      'https://hooks.acme.io/kanihook/',
      'publicUrl',
      'https://hooks.acme.io/kanihook',
    ],
    ['PUBLIC_URL', 'https://hooks.acme.io', 'publicUrl', 'https://hooks.acme.io'],
    ['LOG_LEVEL', 'debug', 'logLevel', 'debug'],
    ['LOG_FORMAT', 'pretty', 'logFormat', 'pretty'],
    ['BUILD_NAMESPACE', 'builds', 'buildNamespace', 'builds'],
    ['KANIKO_IMAGE', 'r.io/kaniko:v1', 'kanikoImage', 'r.io/kaniko:v1'],
    ['KANIKO_SHELL', '/busybox/sh', 'kanikoShell', '/busybox/sh'],
    ['CLONE_IMAGE', 'git:v1', 'cloneImage', 'git:v1'],
    ['SCAN_IMAGE', 'trivy:v1', 'scanImage', 'trivy:v1'],
    ['PUBLISH_IMAGE', 'crane:v1', 'publishImage', 'crane:v1'],
    ['MAX_BUILDS', '0', 'maxBuilds', 0],
    ['MAX_BUILDS_PER_REPOSITORY', '3', 'maxBuildsPerRepository', 3],
    ['ADMIN_TOKENS', 'new, old', 'adminTokens', ['new', 'old']],
    ['LINK_SECRETS', 'one', 'linkSecrets', ['one']],
    ['PAGES', 'off', 'pages', 'off'],
    ['SWEEP_INTERVAL', '30m', 'sweepIntervalMs', 1_800_000],
    ['SWEEP_INTERVAL', 'off', 'sweepIntervalMs', 0],
    ['SWEEP_INTERVAL', '0', 'sweepIntervalMs', 0],
    ['BUILD_RETENTION', '1d', 'buildRetentionMs', 86_400_000],
    ['LOG_RETENTION', '90m', 'logRetentionMs', 5_400_000],
    ['SHUTDOWN_TIMEOUT', '5s', 'shutdownTimeoutMs', 5_000],
    ['PORT', '', 'port', 8080],
  ] as const) {
    test(`${name}=${text}, and ${name}_FILE too`, () => {
      assert.deepEqual(settingsOf({ ...base, [name]: text })[setting], value)
      if (text === '') return
      const fromFile = settingsOf({ ...base, [`${name}_FILE`]: '/f' }, { '/f': `${text}\n` })
      assert.deepEqual(fromFile[setting], value)
    })
  }

  test('the default of PUBLIC_URL follows PORT', () => {
    assert.equal(settingsOf({ ...base, PORT: '3000' }).publicUrl, 'http://localhost:3000')
  })
})

describe('a fault names its variable, never its value', () => {
  const canary = 'canary-value'
  for (const [name, text] of [
    ['KANIHOOK_ROLES', `receiver,${canary}`],
    ['KANIHOOK_ROLES', 'receiver,,worker'],
    ['PORT', canary],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '80.5'],
    ['PORT', '0x50'],
    ['HOST', `${canary} x`],
    ['ADMIN_PORT', canary],
    ['REDIS_URL', `https://user:${canary}@redis`],
    ['REDIS_URL', canary],
    ['PUBLIC_URL', `https://user:${canary}@acme.io`],
    ['PUBLIC_URL', `ftp://${canary}`],
    ['PUBLIC_URL', `https://acme.io/?${canary}`],
    ['PUBLIC_URL', `https://acme.io/#${canary}`],
    ['PUBLIC_URL', canary],
    ['LOG_LEVEL', canary],
    ['LOG_FORMAT', canary],
    ['BUILD_NAMESPACE', `${canary}_`],
    ['BUILD_NAMESPACE', 'a'.repeat(64)],
    ['KANIKO_IMAGE', `${canary}:`],
    ['KANIKO_SHELL', `/bin/${canary}`],
    ['CLONE_IMAGE', `--${canary}`],
    ['MAX_BUILDS', canary],
    ['MAX_BUILDS_PER_REPOSITORY', '-1'],
    ['ADMIN_TOKENS', `${canary},`],
    ['LINK_SECRETS', `,${canary}`],
    ['PAGES', canary],
    ['SWEEP_INTERVAL', '10'],
    ['BUILD_RETENTION', '720'],
    ['LOG_RETENTION', '0s'],
    ['SHUTDOWN_TIMEOUT', '2h'],
    ['GITHUB_WEBHOOK_SECRETS', `${canary},,x`],
    ['GITHUB_WEBHOOK_SECRETS', ''],
    ['GITHUB_WEBHOOK_SECRETS', ' '],
    ['GITHUB_TOKEN', `${canary}\nx`],
    ['GITHUB_TOKEN', ' '],
    ['GITHUB_URL', `https://x:${canary}@github.com`],
    ['GITHUB_API_URL', canary],
    ['GITHUB_SSH_URL', `https://${canary}`],
    ['GITHUB_SSH_URL', `ssh://${canary}`],
    ['GITHUB_SSH_URL', `ssh://git:${canary}@github.com`],
    ['GITHUB_SSH_URL', `ssh://git@github.com/${canary}`],
    ['GITHUB_SSH_URL', `ssh://git@-o${canary}`],
    ['GITHUB_SSH_URL', `ssh://-o${canary}@github.com`],
  ] as const) {
    test(`${name}=${text.slice(0, 40)}`, () => {
      const faults = faultsOf({ ...base, [name]: text })
      assert.equal(faults.length, 1, faults.join('\n'))
      assert.ok(faults[0]!.startsWith(`${name} `), faults[0])
      assert.ok(!faults[0]!.includes(canary), faults[0])
    })
  }

  test('all faults are listed at once', () => {
    const faults = faultsOf({ PORT: 'x', REDIS_URL: 'x', GITEA_WEBHOOK_SECRETS: secret })
    assert.deepEqual(
      faults.map((fault) => fault.split(' ')[0]),
      ['PORT', 'REDIS_URL', 'GITEA_URL', 'GITEA_TOKEN'],
    )
  })

  test('the webhooks and the admin surface on one port', () => {
    assert.match(faultsOf({ ...base, PORT: '9090' }).join(), /^PORT and ADMIN_PORT are the same/)
    assert.deepEqual(faultsOf({ ...base, PORT: '0', ADMIN_PORT: '0' }), [])
  })
})

describe('a secret from a file', () => {
  const files = { '/secret': `${secret}\n`, '/token': `${token}\r\n`, '/empty': '\n' }

  test('is read without the line break at its end', () => {
    const { forges: on } = settingsOf(
      { GITHUB_WEBHOOK_SECRETS_FILE: '/secret', GITHUB_TOKEN_FILE: '/token' },
      files,
    )
    assert.deepEqual(on.get('github')?.webhookSecrets, [secret])
    assert.deepEqual(on.get('github')?.login, { token })
  })

  test('and from the variable at once is refused', () => {
    for (const name of ['GITHUB_WEBHOOK_SECRETS', 'GITHUB_TOKEN', 'PORT']) {
      const faults = faultsOf({ PORT: '1', ...base, [`${name}_FILE`]: '/secret' }, files)
      assert.deepEqual(faults, [`${name} and ${name}_FILE are both set (keep one)`])
    }
  })

  test('that cannot be read is refused, by name', () => {
    assert.deepEqual(faultsOf({ GITHUB_WEBHOOK_SECRETS: secret, GITHUB_TOKEN_FILE: '/canary' }), [
      'GITHUB_TOKEN_FILE: the file cannot be read: ENOENT (mount it, or set GITHUB_TOKEN)',
    ])
    assert.match(
      faultsOf({ GITHUB_WEBHOOK_SECRETS_FILE: '/canary', GITHUB_TOKEN: token }).join(),
      /^GITHUB_WEBHOOK_SECRETS_FILE: the file cannot be read: ENOENT [^,]*,[^,]*$/,
    )
  })

  test('that is empty is refused', () => {
    for (const name of ['GITHUB_WEBHOOK_SECRETS', 'GITHUB_TOKEN', 'ADMIN_TOKENS']) {
      const faults = faultsOf({ ...base, [name]: undefined, [`${name}_FILE`]: '/empty' }, files)
      assert.equal(faults.length, 1, faults.join('\n'))
      assert.match(faults[0]!, new RegExp(`^${name}_FILE .*empty`))
    }
  })
})

describe('forges', () => {
  test('none is refused, naming what would turn one on', () => {
    assert.deepEqual(faultsOf({}), [
      'no forge is on (set at least one of GITHUB_WEBHOOK_SECRETS, GITLAB_WEBHOOK_SECRETS, GITEA_WEBHOOK_SECRETS)',
    ])
  })

  test('are on when their secrets are set, newest first', () => {
    const { forges: on } = settingsOf({
      GITLAB_WEBHOOK_SECRETS: 'the-new-one-of-two,the-old-one-of-two',
      GITLAB_TOKEN: token,
      GITEA_WEBHOOK_SECRETS: secret,
      GITEA_TOKEN: token,
      GITEA_URL: 'http://gitea.acme.test:3000/git/',
    })
    assert.deepEqual([...on.keys()], ['gitlab', 'gitea'])
    assert.deepEqual(on.get('gitlab'), {
      url: 'https://gitlab.com',
      apiUrl: 'https://gitlab.com/api/v4',
      webhookSecrets: ['the-new-one-of-two', 'the-old-one-of-two'],
      login: { token },
    })
    assert.equal(on.get('gitea')?.url, 'http://gitea.acme.test:3000/git')
    assert.equal(on.get('gitea')?.apiUrl, 'http://gitea.acme.test:3000/git/api/v1')
  })

  test('are also on by an address or a login where entries may have secrets of their own', () => {
    const own = { WEBHOOK_SECRETS_DIR: '/run/webhook-secrets' }
    const { forges: on, webhookSecretsDir } = settingsOf({ ...own, GITHUB_TOKEN: token })
    assert.deepEqual([...on.keys()], ['github'])
    assert.deepEqual(on.get('github')?.webhookSecrets, [])
    assert.equal(webhookSecretsDir, '/run/webhook-secrets')
    const receiver = { ...own, KANIHOOK_ROLES: 'receiver', GITLAB_URL: 'https://gitlab.com' }
    assert.deepEqual([...settingsOf(receiver).forges.keys()], ['gitlab'])
    assert.match(
      faultsOf(own).join(),
      /^no forge is on \(set .*, or with WEBHOOK_SECRETS_DIR a forge's _URL\)$/,
    )
    assert.match(faultsOf({ GITHUB_TOKEN: token }).join(), /^no forge is on/)
  })

  test('take another address, and its API by rule or by name', () => {
    const own = { ...base, GITHUB_URL: 'https://ghe.acme.io/' }
    assert.equal(settingsOf(own).forges.get('github')?.apiUrl, 'https://ghe.acme.io/api/v3')
    const named = { ...own, GITHUB_API_URL: 'https://api.ghe.acme.io/' }
    assert.equal(settingsOf(named).forges.get('github')?.apiUrl, 'https://api.ghe.acme.io')
  })

  test('have git over SSH at another place, where that is said', () => {
    assert.equal(settingsOf(base).forges.get('github')?.sshUrl, undefined)
    for (const url of ['ssh://git@ssh.github.com:443', 'ssh://org-1@acme.ghe.com']) {
      const own = { ...base, GITHUB_SSH_URL: `${url}/` }
      assert.equal(settingsOf(own).forges.get('github')?.sshUrl, url)
    }
  })

  test('that are off may have any other variable, as CI sets GITHUB_* itself', () => {
    const ci = {
      GITHUB_ACTIONS: 'true',
      GITHUB_API_URL: 'not a URL',
      GITHUB_TOKEN: 'x y',
      GITHUB_REF: 'refs/heads/main',
      GITLAB_WEBHOOK_SECRETS: secret,
      GITLAB_TOKEN: token,
      GITLAB_CI: 'true',
    }
    assert.deepEqual([...settingsOf(ci).forges.keys()], ['gitlab'])
  })

  test('without an address of their own must be given one', () => {
    const env = { GITEA_WEBHOOK_SECRETS: secret, GITEA_TOKEN: token }
    assert.match(faultsOf(env).join(), /^GITEA_URL is missing/)
    assert.match(faultsOf({ ...env, GITEA_URL: 'gitea' }).join(), /^GITEA_URL must be a URL[^,]*$/)
  })
})

describe('the login of a forge', () => {
  const secrets = { GITHUB_WEBHOOK_SECRETS: secret }
  const app = { GITHUB_APP_ID: '42', GITHUB_APP_PRIVATE_KEY: privateKey }

  test('is needed by a worker and read by nobody else', () => {
    assert.match(faultsOf(secrets).join(), /^GITHUB_TOKEN is missing.*GITHUB_APP_ID/)
    const receiver = settingsOf({ ...base, KANIHOOK_ROLES: 'receiver' })
    assert.equal(receiver.forges.get('github')?.login, undefined)
    assert.deepEqual(receiver.warnings, [])
    assert.deepEqual(faultsOf({ ...secrets, KANIHOOK_ROLES: 'receiver' }), [])
  })

  test('may be a GitHub App, whose key may have its line breaks written out', () => {
    const login = { appId: '42', privateKey: privateKey.trim() }
    assert.deepEqual(settingsOf({ ...secrets, ...app }).forges.get('github')?.login, login)
    const escaped = { ...app, GITHUB_APP_PRIVATE_KEY: privateKey.trim().replaceAll('\n', '\\n') }
    assert.deepEqual(settingsOf({ ...secrets, ...escaped }).forges.get('github')?.login, login)
  })

  for (const [what, env, fault] of [
    ['a token and an app', { ...base, ...app }, /^GITHUB_TOKEN and GITHUB_APP_ID .*both set/],
    [
      'an app without a key',
      { ...secrets, GITHUB_APP_ID: '42' },
      /^GITHUB_APP_PRIVATE_KEY is missing/,
    ],
    [
      'an app without an id',
      { ...secrets, GITHUB_APP_PRIVATE_KEY: privateKey },
      /^GITHUB_APP_ID is missing/,
    ],
    [
      'a key that is none',
      { ...secrets, ...app, GITHUB_APP_PRIVATE_KEY: 'canary' },
      /^GITHUB_APP_PRIVATE_KEY must be a private key in PEM[^,]*$/,
    ],
    [
      'an app of a forge without apps',
      { GITLAB_WEBHOOK_SECRETS: secret, GITLAB_APP_ID: '1', GITLAB_APP_PRIVATE_KEY: privateKey },
      /^GITLAB_TOKEN is missing: [^,]*$/,
    ],
  ] as const) {
    test(`is refused: ${what}`, () => {
      const faults = faultsOf(env)
      assert.equal(faults.length, 1, faults.join('\n'))
      assert.match(faults[0]!, fault)
      assert.ok(!faults[0]!.includes('canary'))
    })
  }
})

describe('a warning', () => {
  const quiet = { ...base, PUBLIC_URL: 'https://hooks.acme.io' }
  for (const [what, env, warning] of [
    [
      'a short secret',
      { GITHUB_WEBHOOK_SECRETS: `${secret},canary` },
      /^GITHUB_WEBHOOK_SECRETS holds a secret of fewer than 16/,
    ],
    ['a short admin token', { ADMIN_TOKENS: 'canary' }, /^ADMIN_TOKENS holds/],
    ['an image at latest', { KANIKO_IMAGE: 'r.io/canary:latest' }, /^KANIKO_IMAGE is not pinned/],
    ['an image without a tag', { CLONE_IMAGE: 'canary' }, /^CLONE_IMAGE is not pinned/],
  ] as const) {
    test(`is given for ${what}, without its value`, () => {
      const { warnings } = settingsOf({ ...quiet, ...env })
      assert.equal(warnings.length, 1)
      const { variable, message } = warnings[0]!
      assert.match(message, warning)
      assert.ok(message.startsWith(`${variable} `) && variable in env, variable)
      assert.ok(!message.includes('canary'))
    })
  }

  test('is given for a Gitea without an address: gitea.com is meant', () => {
    const env = { ...quiet, GITLAB_WEBHOOK_SECRETS: secret, GITLAB_TOKEN: token }
    const gitea = { ...env, GITEA_WEBHOOK_SECRETS: secret, GITEA_TOKEN: token }
    const read = (of: Env) => readEnvironment(of, { forges: drivers })
    const messages = read(gitea).warnings.map(({ message }) => message)
    assert.deepEqual(messages, [
      'GITEA_URL is not set: https://gitea.com is meant (set it to where people open gitea)',
    ])
    assert.equal(read(gitea).forges.get('gitea')?.url, 'https://gitea.com')
    for (const other of [env, { ...gitea, GITEA_URL: 'https://gitea.com' }]) {
      assert.deepEqual(read(other).warnings, [])
    }
  })

  test('is given for none of these', () => {
    assert.deepEqual(settingsOf(quiet).warnings, [])
  })
})

test('.env.example has every variable, each with a line that says what it is', () => {
  const asked = new Set<string>()
  const everything: Env = {
    ...base,
    GITLAB_WEBHOOK_SECRETS: secret,
    GITLAB_TOKEN: token,
    GITEA_WEBHOOK_SECRETS: secret,
    GITEA_TOKEN: token,
    GITEA_URL: 'http://gitea',
  }
  const watched = new Proxy(everything, {
    get(env, name: string) {
      asked.add(name)
      return env[name]
    },
  })
  settingsOf(watched)
  readApiSettings(watched)
  const lines = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8').split('\n')
  const written = lines.flatMap((line, i) => {
    const [, name] = /^#?([A-Z][A-Z_]+)=/.exec(line) ?? []
    if (name === undefined) return []
    assert.match(lines[i - 1]!, /^# \S.*\.$/, `${name} has no line that says what it is`)
    return [name]
  })
  const expected = [...asked].filter((name) => !name.endsWith('_FILE'))
  assert.deepEqual(written.toSorted(), expected.toSorted())
  assert.deepEqual(
    [...asked].filter((name) => name.endsWith('_FILE')).toSorted(),
    expected.map((name) => `${name}_FILE`).toSorted(),
  )
})

test('the defaults in .env.example are those that hold', () => {
  const text = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8')
  const defaults = Object.fromEntries(
    [...text.matchAll(/^#([A-Z][A-Z_]+)=(.+)$/gm)].map(([, name, value]) => [name!, value!]),
  )
  const said = settingsOf({ ...base, ...defaults })
  assert.deepEqual({ ...said, warnings: [] }, { ...settingsOf(base), warnings: [] })
})

describe('uploads', () => {
  const on = { ...base, UPLOADS_DIR: '/var/lib/kanihook' }

  test('are taken where there is a folder for them', () => {
    const byDefault = { dir: '/var/lib/kanihook', port: 9091, url: undefined }
    assert.deepEqual(settingsOf(on).uploads, {
      ...byDefault,
      maxBytes: 512 * 2 ** 20,
      diskBytes: 2 * 2 ** 30,
    })
    const own = {
      UPLOADS_PORT: '7000',
      UPLOADS_URL: 'http://builds.acme.io:7000/',
      MAX_UPLOAD: '1Gi',
    }
    assert.deepEqual(settingsOf({ ...on, ...own, UPLOADS_DISK: '3e9' }).uploads, {
      dir: '/var/lib/kanihook',
      port: 7000,
      url: 'http://builds.acme.io:7000',
      maxBytes: 2 ** 30,
      diskBytes: 3_000_000_000,
    })
  })

  for (const [change, fault] of [
    [{ MAX_UPLOAD: 'much' }, 'MAX_UPLOAD must be a size (write e.g. 512Mi or 2Gi)'],
    [
      { UPLOADS_DISK: '100Mi' },
      'MAX_UPLOAD is more than UPLOADS_DISK (raise UPLOADS_DISK, or lower MAX_UPLOAD)',
    ],
    [
      { UPLOADS_PORT: '9090' },
      'UPLOADS_PORT is that of PORT or ADMIN_PORT (choose another one: builds reach it)',
    ],
  ] as const) {
    test(`${JSON.stringify(change)} is refused`, () => {
      assert.deepEqual(faultsOf({ ...on, ...change }), [fault])
    })
  }
})
