import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { planImage } from '../builds/image-plan.ts'
import { uploadRepository } from '../builds/upload.ts'
import { ConfigError } from '../errors.ts'
import { parseConfig } from './config-file.ts'
import { configWarnings } from './config-warnings.ts'
import { createRules } from './rules.ts'

const file = (uploads: string, rest = ''): string => `${rest}
repositories: [{ match: 'github.com/acme/*', destination: 'registry.acme.io/{owner}/{repo}' }]
uploads:
${uploads}
`

function faultsOf(text: string): readonly string[] {
  try {
    parseConfig(text, 'kanihook.yaml')
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error.faults.map((fault) => fault.replace(/^kanihook\.yaml:\d+:\d+: /, ''))
  }
  return []
}

const sha = 'ab'.repeat(32)
const now = Date.parse('2026-01-31T12:00:00Z')

/** What is planned for an upload of the image `try`. */
function plan(text: string) {
  const repository = uploadRepository('try')
  const image = createRules(parseConfig(text, 'kanihook.yaml')).find(repository)?.images[0]
  assert.ok(image)
  return planImage(image, repository, 'refs/uploads/0123456789abcdef', sha, now).plan
}

describe('an image under uploads', () => {
  const least = '  - { name: try, destination: registry.acme.io/try/shop }'

  test('needs a name and a destination; its tag is the digest of what was uploaded', () => {
    const { destinations, context, dockerfile } = plan(file(least))
    assert.deepEqual(destinations, [`registry.acme.io/try/shop:${sha.slice(0, 12)}`])
    assert.deepEqual([context, dockerfile], ['.', 'Dockerfile'])
  })

  test('is refused for nothing that defaults say of repositories alone', () => {
    const defaults = (text: string): string =>
      file(
        '  - { name: try, destination: registry.acme.io/try/shop, publish: apart }',
        `defaults: { ${text} }`,
      )
    for (const text of ['backend: tekton', 'sparse: true', 'scan: { ignoreFile: .trivyignore }']) {
      const own = defaults(text).replace(/^repositories:.*$/m, 'repositories: []')
      assert.deepEqual(faultsOf(own), [], text)
      const made = plan(own)
      assert.deepEqual(
        [made.backend, made.sparse, made.scan?.ignoreFile],
        [undefined, undefined, undefined],
      )
    }
  })

  test('has what defaults say, but for the folder, the paths and the tags of a repository', () => {
    const defaults = `defaults:
  pushSecret: registry-credentials
  context: services/api
  dockerfile: docker/Dockerfile
  paths: { include: ['src/**'] }
  tags: ['{branch}', '{date}', edge]
  buildArgs: { VERSION: '{tag}', MODE: fast }
`
    const made = plan(file(least, defaults))
    assert.equal(made.pushSecret, 'registry-credentials')
    assert.deepEqual([made.context, made.dockerfile], ['.', 'docker/Dockerfile'])
    assert.deepEqual(made.buildArgs, { MODE: 'fast' })
    assert.deepEqual(
      made.destinations.map((each) => each.split(':')[1]),
      ['20260131', 'edge'],
    )
  })

  test('has no labels of a commit that there is not', () => {
    assert.deepEqual(plan(file(least)).labels, {
      'org.opencontainers.image.created': '2026-01-31T12:00:00Z',
    })
  })

  test('is found by its own name alone, and no repository is', () => {
    const { find } = createRules(parseConfig(file(least), 'kanihook.yaml'))
    assert.equal(find(uploadRepository('other')), undefined)
    assert.equal(find({ forge: 'github', id: '1', host: 'upload', path: 'try' }), undefined)
  })

  for (const [uploads, fault, rest] of [
    [
      '  - { name: try, destination: r.io/a, context: sub }',
      'uploads[0].context: has no meaning here (leave it out: what is uploaded is the whole context)',
    ],
    [
      '  - { name: try, destination: r.io/a, paths: { include: [src] } }',
      'uploads[0].paths: has no meaning here (leave it out: what is uploaded is the whole context)',
    ],
    ...['submodules', 'lfs', 'sparse'].map((key): [string, string] => [
      `  - { name: try, destination: r.io/a, ${key}: true }`,
      `uploads[0].${key}: has no meaning here (leave it out: what is uploaded is the whole context)`,
    ]),
    [
      '  - { name: try, destination: r.io/a, backend: tekton }',
      'uploads[0].backend: uploads are built by Jobs alone (leave it out)',
    ],
    [
      '  - { name: try, destination: r.io/a, scan: { ignoreFile: .trivyignore } }',
      'uploads[0].scan.ignoreFile: an upload has no repository to read it from (leave it out)',
    ],
    [
      '  - { name: try, destination: "r.io/{repo}" }',
      'uploads[0].destination: "r.io/{repo}" names a repository, and an upload has none (say a destination without {owner} and {repo})',
    ],
    [
      '  - { name: try }',
      'uploads[0].destination: missing (say where the image is pushed: registry.acme.io/{owner}/{repo})',
    ],
    [
      '  - { name: try, destination: r.io/a, tags: ["{branch}"] }',
      'uploads[0].tags[0]: unknown variable {branch} (known here: {sha} {shortSha} {date})',
    ],
    [
      '  - { name: try, destination: r.io/a, buildArgs: { V: "{tag}" } }',
      'uploads[0].buildArgs.V: unknown variable {tag} (known here: {sha} {shortSha} {date})',
    ],
    [
      '  - { name: try, destination: r.io/a }',
      'uploads[0].tags: missing (no tag of defaults has a value for an upload: write e.g. ["{shortSha}"])',
      'defaults: { tags: ["{branch}"] }',
    ],
    [
      '  - { name: try, destination: r.io/a }\n  - { name: Try, destination: r.io/b }',
      'uploads[1].name: uploads[0] has the same name, whatever the case (rename one)',
    ],
    [
      '  - { name: one, destination: r.io/a, tags: [dev] }\n  - { name: two, destination: r.io/a, tags: [dev] }',
      'uploads[1].destination: uploads[0] pushes the tag "dev" to the same destination (give one of them another destination or other tags)',
    ],
    ['  - { nam: try, destination: r.io/a }', 'uploads[0].nam: unknown key (did you mean "name"?)'],
  ] as const) {
    test(`is refused: ${uploads.trim()}${rest ? ` with ${rest}` : ''}`, () => {
      assert.ok(
        faultsOf(file(uploads, rest)).includes(fault),
        faultsOf(file(uploads, rest)).join('\n'),
      )
    })
  }

  test('that pushes where a repository does is warned of', () => {
    const text = `
repositories: [{ match: github.com/acme/shop, destination: registry.acme.io/acme/shop }]
uploads: [{ name: try, destination: registry.acme.io/acme/shop }]
`
    assert.deepEqual(configWarnings(parseConfig(text, 'kanihook.yaml')), [
      'uploads and repositories both push to registry.acme.io/acme/shop: a tag that a push has is refused to the upload try (give it a destination of its own)',
    ])
  })
})
