import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConfigError } from '../errors.ts'
import { parseConfig } from './config-file.ts'
import { refineImages } from './refine-images.ts'
import { readRepositoryFile } from './repository-file.ts'

function faultsOf(work: () => unknown): readonly string[] {
  try {
    work()
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error.faults
  }
  return []
}

const one = `
defaults: { pushSecret: theirs, tags: ['{branch}'], labels: { team: core } }
repositories:
  - match: a.io/acme/*
    destination: r.io/{owner}/{repo}`

const listed = `
defaults: { pushSecret: theirs, nodeSelector: { kubernetes.io/arch: amd64 } }
repositories:
  - match: a.io/acme/*
    images:
      - name: api
        destination: r.io/acme/api
        context: services/api
        buildArgs: { A: '1', TOKEN: { secret: s, key: k } }
        paths: { include: ['services/api/**'], exclude: ['**/*.md'] }
      - { name: Web, destination: r.io/acme/web, target: runtime }`

function refined(config: string, own: string) {
  const { refinable } = parseConfig(config, 'kanihook.yaml').entries[0]!
  return refineImages(refinable!, readRepositoryFile(own), 'shop')
}
const imagesOf = (config: string, own: string) => refined(config, own).map(({ image }) => image)

describe('what a repository says of its one image', () => {
  test('replaces what the installation says, and leaves the rest', () => {
    const [image, ...others] = imagesOf(
      one,
      `
context: app
target: runtime
buildArgs: { VERSION: '{tag}' }
labels: { made: here }
paths: { include: ['app/**'] }
platforms: [linux/arm64]
tags: ['{shortSha}']
`,
    )
    assert.deepEqual(others, [])
    assert.partialDeepStrictEqual(image, {
      name: 'shop',
      destinations: ['r.io/{owner}/{repo}'],
      context: 'app',
      dockerfile: 'app/Dockerfile',
      target: 'runtime',
      buildArgs: { VERSION: '{tag}' },
      labels: { team: 'core', made: 'here' },
      paths: { include: ['app/**'], exclude: [] },
      platform: 'linux/arm64',
      tags: ['{shortSha}'],
      pushSecret: 'theirs',
    })
  })

  test('brings no push login back to the build’s container: what was published apart still is', () => {
    for (const apart of ['platforms: [linux/amd64, linux/arm64]', 'publish: apart', 'scan: {}']) {
      const config = `repositories:
  - match: github.com/acme/*
    destination: r.io/{owner}/{repo}
    pushSecret: push
    pullSecret: pull
    images: [{ name: shop, ${apart} }]`
      const [image] = imagesOf(config, 'platforms: [linux/amd64]')
      assert.deepEqual([image?.publish, image?.pullSecret], ['apart', 'pull'], apart)
    }
  })

  test('may make several of it, each below its destination; its own name stays where it is', () => {
    const images = imagesOf(one, 'images: [{ name: shop }, { name: api, context: services/api }]')
    assert.deepEqual(
      images.map(({ name, destinations, context }) => [name, destinations, context]),
      [
        ['shop', ['r.io/{owner}/{repo}'], '.'],
        ['api', ['r.io/{owner}/{repo}/api'], 'services/api'],
      ],
    )
  })
})

describe('what a repository says of images that the installation lists', () => {
  test('changes those of the same name, and leaves the others', () => {
    const images = refined(
      listed,
      `
target: all
images:
  - { name: API, target: own, buildArgs: { A: '2', TOKEN: plain }, paths: { include: [x] } }
`,
    )
    assert.deepEqual(
      images.map(({ image, said }) => [image.name, image.target, said]),
      [
        ['api', 'own', ['target', 'buildArgs', 'paths']],
        ['Web', 'all', ['target']],
      ],
    )
    const [api] = images
    assert.deepEqual(api?.image.buildArgs, { A: '2', TOKEN: 'plain' })
    assert.equal(api?.image.secretBuildArgs, undefined)
    assert.deepEqual(api?.image.paths, { include: ['x'], exclude: ['**/*.md'] })
    assert.equal(api?.image.context, 'services/api')
  })
})

describe('a file is refused, with the line and what to write', () => {
  for (const [own, fault] of [
    ['', /^\.kanihook\.yaml:1:1: is empty \(write e\.g\. dockerfile: /],
    ['[a]', /^\.kanihook\.yaml:1:1: must be a mapping \(write e\.g\. dockerfile/],
    ['contxt: a', /:1:1: contxt: unknown key \(did you mean "context"\?\)/],
    ['whatever: a', /:1:1: whatever: unknown key \(known here: context, dockerfile, target/],
    ['name: a', /:1:1: name: unknown key \(only an item of images has a name\)/],
    ['context: ../x', /:1:10: context: "\.\.\/x" leaves the repository \(leave out the \.\.\)/],
    ['dockerfile: /etc/passwd', /dockerfile: "\/etc\/passwd" is absolute/],
    ['\n\ntarget: "a b"', /:3:9: target: "a b" is not the name of a stage/],
    ['tags: ["{what}"]', /:1:8: tags\[0\]: unknown variable \{what\}/],
    ['tags: []', /:1:7: tags: is empty/],
    [
      'paths: { inclde: [a] }',
      /:1:10: paths\.inclde: unknown key \(known here: include, exclude\)/,
    ],
    ['paths: { include: ["a[b"] }', /paths\.include\[0\]: "a\[b" is not a glob/],
    ['buildArgs: { LD_PRELOAD: x }', /LD_PRELOAD is refused: it changes how programs start/],
    [
      'buildArgs: { T: { secret: s, key: k } }',
      /:1:17: buildArgs\.T: a Secret is named by the kanihook\.yaml of the installation alone/,
    ],
    ['buildArgs: { T: {tag} }', /must be text \(write it in quotes: "\{tag\}"\)/],
    ['buildArgs: { T: "{nope}" }', /unknown variable \{nope\}/],
    [
      'labels: { org.opencontainers.image.source: x }',
      /org\.opencontainers\.image\.source"\]: is what kanihook says of each image \(remove it\)/,
    ],
    ['labels: { team: x }', /:1:17: labels\.team: is a label that the installation says/],
    [
      'images: [{ name: b, labels: { team: x } }]',
      /:1:37: images\[0\]\.labels\.team: is a label that the installation says/,
    ],
    ['images: [{ context: a }]', /images\[0\]\.name: missing/],
    ['images: [{ name: a }, { name: A }]', /images\[1\]\.name: images\[0\] has the same name/],
    ['images: [{ name: Api }]', /"Api" cannot end the name of an image \(lower-case letters/],
    ['images: [{ name: a..b }]', /"a\.\.b" cannot end the name of an image/],
    ['images: [{ name: ../x }]', /"\.\.\/x" cannot be the name of an image/],
    ['images: [{ name: cache }]', /cache is where layers are kept \(choose another name\)/],
    ['a: &a x\nb: *a', /aliases are not read/],
    ['target: a\ntarget: b', /:2:1: this key is there twice/],
    ['target: !!js/function x', /leave the type out/],
    ['a: [', /not YAML/],
  ] as const) {
    test(own.replaceAll('\n', ' ') || 'nothing', () => {
      const faults = faultsOf(() => refined(one, own))
      assert.ok(
        faults.some((each) => fault.test(each)),
        faults.join('\n'),
      )
    })
  }

  for (const key of [
    'destination',
    'pushSecret',
    'resources',
    'timeout',
    'startTimeout',
    'cache',
    'nodeSelector',
    'tolerations',
    'priorityClassName',
    'serviceAccountName',
    'verbosity',
    'snapshotMode',
    'singleSnapshot',
    'reproducible',
    'compression',
    'namespace',
    'pullSecret',
    'cloneSecret',
    'webhookSecret',
    'branches',
    'pullRequests',
    'match',
    'registries',
  ]) {
    test(`${key} is for who runs kanihook alone, at the top and of an image`, () => {
      for (const own of [`${key}: x`, `images: [{ name: a, ${key}: x }]`]) {
        assert.match(
          faultsOf(() => refined(one, own)).join('\n'),
          /only the kanihook\.yaml of the installation says this \(remove it/,
        )
      }
    })
  }

  test('that names an image which the installation does not list', () => {
    assert.deepEqual(
      faultsOf(() => refined(listed, 'images:\n  - name: api\n  - name: job')),
      [
        '.kanihook.yaml:3:11: images[1].name: the installation has no image "job" for this repository (it has api, Web)',
      ],
    )
  })

  test('that asks for a node of another platform than the installation has', () => {
    assert.match(
      faultsOf(() => refined(listed, 'platforms: [linux/arm64]'))[0] ?? '',
      /^\.kanihook\.yaml:1:12: platforms: platforms wants a node of arm64, not of amd64/,
    )
  })

  test('by which two images would push the same tag', () => {
    const shared = listed
      .replace('r.io/acme/web', 'r.io/acme/api')
      .replace('target', 'tags: [w], target')
    assert.deepEqual(imagesOf(shared, 'target: x').length, 2)
    assert.match(
      faultsOf(() => refined(shared, 'tags: [same]'))[0] ?? '',
      /^\.kanihook\.yaml:1:7: tags: api pushes the tag "same" to the same destination/,
    )
    // Told where it is said.
    const images = 'tags: [same]\nimages:\n  - name: web\n    tags: [same]'
    assert.match(
      faultsOf(() => refined(shared, images))[0] ?? '',
      /^\.kanihook\.yaml:4:11: images\[0\]\.tags: api pushes the tag "same" /,
    )
  })

  test('by which the name of an image would be too long for a registry', () => {
    const long = one.replace('r.io/{owner}', `r.io/${'a'.repeat(200)}`)
    const name = 'b'.repeat(63)
    assert.match(
      faultsOf(() => refined(long, `images: [{ name: ${name} }]`))[0] ?? '',
      /^\.kanihook\.yaml:1:18: images\[0\]\.name: .* is not an image's name/,
    )
  })
})

// What grows faster than its file would take minutes.
describe('a hostile file', { timeout: 60_000 }, () => {
  const refused = (text: string): string => {
    const faults = faultsOf(() => refined(one, text))
    assert.notEqual(faults.length, 0)
    return faults[0] ?? ''
  }
  const kib = 1024

  test('that is too large is not read', () => {
    assert.match(refused(`target: ${'a'.repeat(64 * kib)}`), /is larger than 64 KiB/)
  })
  test('that is nested deeply is refused', () => {
    refused('['.repeat(60 * kib))
    refused('{a: '.repeat(15 * kib))
    refused(`${'[ '.repeat(20 * kib)}${'] '.repeat(10 * kib)}`)
  })
  test('of thousands of keys, images or globs is refused', () => {
    refused(Array.from({ length: 6_000 }, (_, i) => `k${i}: 1`).join('\n'))
    refused(`images: [${'{name: a},'.repeat(6_000)}]`)
    refused(`images: [${Array.from({ length: 65 }, (_, i) => `{name: i${i}}`).join()}]`)
    refused(`paths: { include: [${'"a[",'.repeat(12_000)}] }`)
    refused(`tags: ["${'{'.repeat(60_000)}"]`)
    refused(`paths: { include: ["${'{'.repeat(1_000)}"] }`)
    refused(`target: ${'\\0'.repeat(10)}\0`)
  })
  test('of an alias bomb is refused before it is unfolded', () => {
    const bomb = ['a0: &a0 [x]']
    for (let i = 1; i < 20; i++) bomb.push(`a${i}: &a${i} [*a${i - 1}, *a${i - 1}]`)
    assert.match(refused(bomb.join('\n')), /aliases are not read/)
  })
  test('cannot reach the prototype of anything', () => {
    refused('__proto__: { target: x }')
    refused('buildArgs: { __proto__: x }')
    refused('constructor: x')
  })
})
