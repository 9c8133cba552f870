import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { checkConfig, checkRepositoryFile } from './check.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kanihook-check-'))
})
after(() => rm(folder, { recursive: true }))

async function check(text: string) {
  const path = join(folder, 'kanihook.yaml')
  await writeFile(path, text)
  const { lines, exitCode } = await checkConfig(path)
  return { lines: lines.map((line) => line.replaceAll(path, 'kanihook.yaml')), exitCode }
}

/** An image with a push login and the cache. */
function cached(settings: string, cache = ''): string {
  return `repositories: [{ match: github.com/a/b, images: [{ name: x, destination: r.io/x, pushSecret: login, cache: { enabled: true${cache} }, ${settings} }] }]`
}

test('a valid file is summed up, with exit code 0', async () => {
  assert.deepEqual(
    await check(`
repositories:
  - match: github.com/acme/app
    branches: [main]
    tags: ['v*']
    images:
      - { name: api, destination: r.io/acme/api, context: api }
      - { name: web, destination: r.io/acme/web, tags: ['{tag}'] }
  - match: github.com/acme/*
    cloneSecret: deploy-key
    webhookSecret: acme
    destination: r.io/{owner}/{repo}
`),
    {
      lines: [
        'kanihook.yaml is valid: 2 entries, 3 images.',
        'github.com/acme/app: branches [main], tags [v*]',
        '  api: api/Dockerfile -> r.io/acme/api [{branch}, {tag}, {shortSha}]',
        '  web: Dockerfile -> r.io/acme/web [{tag}]',
        'github.com/acme/*: the default branch, cloned with the Secret deploy-key, webhooks signed with acme',
        '  (named after the repository): Dockerfile -> r.io/{owner}/{repo} [{branch}, {tag}, {shortSha}]',
      ],
      exitCode: 0,
    },
  )
})

for (const [what, text, warning] of [
  [
    'two owners with one push secret',
    `defaults: { destination: 'r.io/{owner}/{repo}', pushSecret: login }
repositories: [{ match: github.com/a/* }, { match: github.com/b/* }]`,
    /^warning: the pushSecret login is shared by several owners \(github\.com\/a, github\.com\/b\)/,
  ],
  [
    'any owner with one push secret',
    "repositories: [{ match: 'github.com/**', destination: 'r.io/{owner}/{repo}', pushSecret: login }]",
    /^warning: the pushSecret login is shared by several owners \(github\.com\/\*\*\)/,
  ],
  [
    'two owners with one Secret of a build argument',
    `defaults: { destination: 'r.io/{owner}/{repo}', buildArgs: { T: { secret: npm, key: t } } }
repositories: [{ match: github.com/a/* }, { match: github.com/b/* }]`,
    /^warning: the Secret npm of the build argument T is shared by several owners \(github\.com\/a, github\.com\/b\)/,
  ],
  [
    'two owners with one clone secret',
    `defaults: { destination: 'r.io/{owner}/{repo}' }
repositories: [{ match: github.com/a/*, cloneSecret: git }, { match: github.com/b/*, cloneSecret: git }]`,
    /^warning: the cloneSecret git is shared by several owners \(github\.com\/a, github\.com\/b\)/,
  ],
  [
    'two owners with one webhook secret',
    `defaults: { destination: 'r.io/{owner}/{repo}' }
repositories: [{ match: github.com/a/*, webhookSecret: hook }, { match: github.com/b/*, webhookSecret: hook }]`,
    /^warning: the webhookSecret hook is shared by several owners \(github\.com\/a, github\.com\/b\)/,
  ],
  [
    'many repositories with one destination',
    'repositories: [{ match: github.com/a/*, destination: r.io/app }]',
    /^warning: github\.com\/a\/\* may match several repositories, which would all push to r\.io\/app/,
  ],
  [
    'an entry below one that matches the same',
    `defaults: { destination: 'r.io/{owner}/{repo}' }
repositories: [{ match: github.com/acme/* }, { match: github.com/acme/shop }]`,
    /^warning: entry 2 \(github\.com\/acme\/shop\) is never reached: github\.com\/acme\/\* above it/,
  ],
  ['no repositories', 'repositories: []', /nothing is built/],
  [
    'a match without its host',
    "repositories: [{ match: acme/*, destination: 'r.io/{owner}/{repo}' }]",
    /^warning: .*acme has no dot and no port: is it a host\? \(write github\.com\/acme\/\*\)$/,
  ],
  ...['trusted', 'approved'].map(
    (policy) =>
      [
        `pull requests (${policy}) that have no tag`,
        `repositories: [{ match: github.com/a/b, pullRequests: ${policy}, images: [{ name: x, destination: r.io/x, tags: ['{branch}', latest] }] }]`,
        /^warning: every pull request of github\.com\/a\/b \(x\) would end with: No tag of \[\{branch\}, latest\] has a value on a pull request: add one such as pr-\{pr\}$/,
      ] as const,
  ),
  ...['publish: apart', 'scan: {}', 'platforms: [linux/amd64, linux/arm64]'].map(
    (apart) =>
      [
        `a cache without a login, with ${apart}`,
        cached(apart),
        /^warning: github\.com\/a\/b \(x\) is published apart, .*: the cache wants a login: pullSecret \(docs\/publish-and-scan\.md\)$/,
      ] as const,
  ),
  [
    'a cache without a login, elsewhere in the same registry',
    cached('publish: apart', ', repository: r.io/layers'),
    /the cache wants a login: pullSecret/,
  ],
] as const) {
  test(`${what}: valid, with a warning`, async () => {
    const { lines, exitCode } = await check(text)
    assert.equal(exitCode, 0)
    const warnings = lines.filter((line) => line.startsWith('warning: '))
    assert.equal(warnings.length, 1)
    assert.match(warnings[0]!, warning)
  })
}

for (const [what, text] of [
  [
    'matches of a host or of any',
    `defaults: { destination: 'r.io/{owner}/{repo}' }
repositories: [{ match: 'localhost/a/b' }, { match: 'git:3000/a/b' }, { match: 'gitea/a/b' }, { match: '**/a/c' }]`,
  ],
  [
    'pull requests with a tag of their commit',
    'repositories: [{ match: github.com/a/b, pullRequests: trusted, destination: r.io/x }]',
  ],
  [
    'tags of branches alone without pull requests',
    "repositories: [{ match: github.com/a/b, images: [{ name: x, destination: r.io/x, tags: ['{branch}'] }] }]",
  ],
  ['a cache that Kaniko pushes with the image', cached('publish: together')],
  ['a cache with a login of its own', cached('publish: apart, pullSecret: reader')],
  ['a cache in another registry', cached('publish: apart', ', repository: other.io/layers')],
  ['a cache by an account of the cloud', cached('publish: apart, serviceAccountName: pusher')],
  ['a cache that is off', cached('publish: apart').replace('enabled: true', 'enabled: false')],
] as const) {
  test(`${what}: no warning`, async () => {
    const { lines, exitCode } = await check(text)
    assert.equal(exitCode, 0, lines.join('\n'))
    assert.deepEqual(
      lines.filter((line) => line.startsWith('warning')),
      [],
    )
  })
}

test('two entries of one owner may share a push secret', async () => {
  const { lines } = await check(`defaults: { destination: 'r.io/{owner}/{repo}', pushSecret: login }
repositories: [{ match: github.com/a/b }, { match: github.com/A/* }]`)
  assert.ok(!lines.some((line) => line.startsWith('warning')), lines.join('\n'))
})

test('a file with faults lists them all, with exit code 78', async () => {
  assert.deepEqual(await check('repositories: [{ match: a }]\n'), {
    lines: [
      'kanihook.yaml:1:16: repositories[0].destination: missing (say where the image is pushed: registry.acme.io/{owner}/{repo})',
      'kanihook.yaml:1:25: repositories[0].match: "a" has no path (write host/path, e.g. github.com/acme/*)',
    ],
    exitCode: 78,
  })
})

test('a missing file and a folder say so, with exit code 78', async () => {
  const missing = await checkConfig(join(folder, 'none.yaml'))
  assert.equal(missing.exitCode, 78)
  assert.match(missing.lines.join('\n'), /none\.yaml: there is no such file/)
  const aFolder = await checkConfig(folder)
  assert.equal(aFolder.exitCode, 78)
  assert.match(aFolder.lines.join('\n'), /is a folder/)
})

test("a repository's own file is summed up, or refused with every line", async () => {
  const path = join(folder, '.kanihook.yaml')
  await writeFile(path, 'target: x\nimages:\n  - { name: api, context: api }\n  - { name: web }\n')
  assert.deepEqual(await checkRepositoryFile(path), {
    lines: [
      `${path} is valid.`,
      'every image: target',
      'api: context',
      'web: nothing of its own',
      'What the installation says of its images is not looked at here: kanihook plan does.',
    ],
    exitCode: 0,
  })
  await writeFile(path, 'targt: x\npushSecret: y\n')
  const { lines, exitCode } = await checkRepositoryFile(path)
  assert.equal(exitCode, 78)
  assert.match(lines[0] ?? '', /:1:1: targt: unknown key \(did you mean "target"\?\)$/)
  assert.match(lines[1] ?? '', /:2:1: pushSecret: only the kanihook\.yaml of the installation/)
})
