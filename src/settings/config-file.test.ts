import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { ConfigError } from '../errors.ts'
import { parseConfig } from './config-file.ts'

function faultsOf(text: string): readonly string[] {
  try {
    parseConfig(text, 'kanihook.yaml')
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error.faults
  }
  return []
}

/** An entry with one image that says `lines`, and what the file says besides. */
const withImage = (lines: string, rest = ''): string => `${rest}
repositories:
  - match: github.com/acme/*
    images:
      - name: api
        destination: registry.acme.io/acme/api
${lines.replace(/^/gm, '        ')}
`
const withEntry = (lines: string): string => `
repositories:
  - match: github.com/acme/*
    destination: registry.acme.io/{owner}/{repo}
${lines.replace(/^/gm, '    ')}
`
const imageOf = (text: string) => parseConfig(text, 'kanihook.yaml').entries[0]!.images[0]!

describe('a valid file', () => {
  test('the example says all that can be said', () => {
    const example = readFileSync(new URL('../../kanihook.example.yaml', import.meta.url), 'utf8')
    const { entries, registries } = parseConfig(example, 'kanihook.example.yaml')
    assert.deepEqual(entries[0]!.images[0], {
      name: 'api',
      destinations: ['registry.acme.io/acme/api'],
      tags: ['{branch}', '{shortSha}', '{tag}', 'pr-{pr}'],
      context: 'services/api',
      dockerfile: 'docker/Dockerfile.production',
      target: 'runtime',
      buildArgs: { VERSION: '{tag}' },
      secretBuildArgs: { NPM_TOKEN: { secret: 'npm', key: 'token' } },
      labels: { 'org.opencontainers.image.revision': '{sha}' },
      platform: undefined,
      platforms: ['linux/amd64', 'linux/arm64'],
      nodeTimeoutMs: 120_000,
      resources: { requests: { cpu: '1', memory: '2Gi' }, limits: { memory: '4Gi' } },
      nodeSelector: { 'acme.io/pool': 'builds' },
      tolerations: [{ key: 'acme.io/builds', operator: 'Exists', effect: 'NoSchedule' }],
      priorityClassName: 'builds',
      serviceAccountName: 'registry-pusher',
      publish: 'apart',
      scan: {
        severities: ['CRITICAL', 'HIGH'],
        ignoreUnfixed: true,
        ignoreFile: '.trivyignore',
        onFindings: 'fail',
        database: {
          repository: 'registry.acme.io/mirror/trivy-db:2',
          javaRepository: 'registry.acme.io/mirror/trivy-java-db:1',
          secret: 'registry-reader',
        },
      },
      pullSecret: 'registry-reader',
      pushSecret: 'registry-credentials',
      cache: { enabled: true, ttlMs: 604_800_000, repository: undefined, copyLayers: true },
      snapshotMode: 'redo',
      reproducible: true,
      compression: { type: 'zstd', level: 3 },
      paths: { include: ['services/api/**', 'docker/**'], exclude: ['**/*.md'] },
      timeoutMs: 1_800_000,
      startTimeoutMs: 600_000,
      verbosity: 'info',
      logFormat: 'json',
    })
    assert.deepEqual(registries[2], {
      host: 'docker.io',
      insecure: false,
      skipTlsVerify: false,
      mirror: 'mirror.acme.test/hub',
    })
  })

  test('an entry with a destination alone is one image from the root Dockerfile', () => {
    const { entries, registries } = parseConfig(withEntry(''), 'kanihook.yaml')
    assert.deepEqual(registries, [])
    assert.deepEqual(entries, [
      {
        match: 'github.com/acme/*',
        branches: undefined,
        tags: [],
        pullRequests: 'never',
        report: 'each',
        images: [
          {
            name: undefined,
            destinations: ['registry.acme.io/{owner}/{repo}'],
            tags: ['{branch}', '{tag}', '{shortSha}'],
            context: '.',
            dockerfile: 'Dockerfile',
            target: undefined,
            buildArgs: {},
            labels: {},
            platform: undefined,
            resources: {},
            pushSecret: undefined,
            cache: { enabled: false, ttlMs: 1_209_600_000, repository: undefined },
            paths: undefined,
            timeoutMs: 1_800_000,
            startTimeoutMs: 600_000,
            verbosity: 'info',
          },
        ],
        refinable: {
          listed: false,
          images: [{ destination: 'registry.acme.io/{owner}/{repo}' }],
        },
      },
    ])
  })

  test('saying anything of a scan turns it on, and publishing apart with it', () => {
    const { scan, publish } = imageOf(withImage('scan: {}'))
    assert.deepEqual(scan, { severities: ['CRITICAL', 'HIGH'], onFindings: 'fail' })
    assert.equal(publish, 'apart')
    const off = imageOf(`
defaults: { scan: { severity: [LOW], database: { repository: registry.acme.io/mirror/trivy-db:2 } } }
repositories:
  - match: github.com/acme/shop
    destination: registry.acme.io/shop
    images: [{ name: shop, scan: { enabled: false } }]
`)
    assert.deepEqual([off.scan, off.publish], [undefined, undefined])
  })

  test('an image overrides its entry, and the entry the defaults; mappings merge by key', () => {
    const [first, second] = parseConfig(
      `
defaults:
  destination: registry.acme.io/{owner}/{repo}
  pushSecret: of-defaults
  tags: [a, b]
  labels: { team: core, tier: '1' }
  cache: { enabled: true, ttl: 1h }
  resources: { limits: { memory: 1Gi, cpu: 2 } }
repositories:
  - match: github.com/acme/*
    pushSecret: of-entry
    images:
      - { name: x, tags: [c], labels: { tier: '2' }, cache: { ttl: 2h }, resources: { limits: { memory: 2Gi } } }
      - { name: y, pushSecret: of-image }
`,
      'kanihook.yaml',
    ).entries[0]!.images
    assert.deepEqual(first!.destinations, ['registry.acme.io/{owner}/{repo}'])
    assert.equal(first!.pushSecret, 'of-entry')
    assert.equal(second!.pushSecret, 'of-image')
    assert.deepEqual(first!.tags, ['c'])
    assert.deepEqual(second!.tags, ['a', 'b'])
    assert.deepEqual(first!.labels, { team: 'core', tier: '2' })
    assert.deepEqual(first!.cache, { enabled: true, ttlMs: 7_200_000, repository: undefined })
    assert.deepEqual(first!.resources, { limits: { memory: '2Gi', cpu: '2' } })
  })

  test('scheduling is handed on as it is said; labels of defaults are added to, tolerations replaced', () => {
    const { images } = parseConfig(
      `
defaults: { nodeSelector: { acme.io/pool: builds }, tolerations: [{ operator: Exists }] }
repositories:
  - match: github.com/acme/*
    destination: registry.acme.io/{owner}/{repo}
    images:
      - { name: x, tags: [x], nodeSelector: { acme.io/disk: ssd }, priorityClassName: builds }
      - { name: y, tags: [y], tolerations: [{ key: acme.io/builds, effect: NoSchedule }] }
`,
      'kanihook.yaml',
    ).entries[0]!
    assert.deepEqual(images[0]!.nodeSelector, { 'acme.io/pool': 'builds', 'acme.io/disk': 'ssd' })
    assert.deepEqual(images[0]!.tolerations, [{ operator: 'Exists' }])
    assert.equal(images[0]!.priorityClassName, 'builds')
    assert.deepEqual(images[1]!.tolerations, [{ key: 'acme.io/builds', effect: 'NoSchedule' }])
  })

  test('a build argument is text or names a key of a Secret, whatever defaults say of it', () => {
    const { buildArgs, secretBuildArgs } = parseConfig(
      `
defaults: { buildArgs: { A: text, B: { secret: of-defaults, key: b }, HTTP_PROXY: 'http://proxy' } }
repositories:
  - match: github.com/acme/*
    destination: registry.acme.io/{owner}/{repo}
    images: [{ name: x, buildArgs: { A: { secret: npm, key: token }, B: '{tag}' } }]
`,
      'kanihook.yaml',
    ).entries[0]!.images[0]!
    assert.deepEqual(buildArgs, { B: '{tag}', HTTP_PROXY: 'http://proxy' })
    assert.deepEqual(secretBuildArgs, { A: { secret: 'npm', key: 'token' } })
  })

  test('the Dockerfile is looked for in the context, unless it is named from the root', () => {
    assert.equal(imageOf(withImage('context: ./services/api/')).context, 'services/api')
    assert.equal(imageOf(withImage('context: services/api')).dockerfile, 'services/api/Dockerfile')
    assert.equal(
      imageOf(withImage('context: a\ndockerfile: ./b/Dockerfile')).dockerfile,
      'b/Dockerfile',
    )
  })

  test('Windows line ends and a byte order mark do no harm', () => {
    assert.deepEqual(faultsOf(`\uFEFF${withEntry('').replaceAll('\n', '\r\n')}`), [])
  })
})

describe('every fault is listed at once', () => {
  test('in the order of the file, with its line and column', () => {
    assert.deepEqual(
      faultsOf(`repositories:
  - match: github.com/acme/*
    brnaches: [main]
    images:
      - name: api
        destination: registry.acme.io/acme/api
        timeout: 30
      - name: API
        destination: registry.acme.io/acme/api:latest
registries: [{ host: r.io }]
`),
      [
        'kanihook.yaml:3:5: repositories[0].brnaches: unknown key (did you mean "branches"?)',
        'kanihook.yaml:7:18: repositories[0].images[0].timeout: is not a duration (write a whole number and a unit: 25s, 30m, 168h or 7d)',
        'kanihook.yaml:8:15: repositories[0].images[1].name: images[0] has the same name, whatever the case, and so the same commit status (rename one)',
        'kanihook.yaml:9:22: repositories[0].images[1].destination: "registry.acme.io/acme/api:latest" has a tag (leave it out, and say it under "tags")',
        'kanihook.yaml:10:22: registries[0].host: nothing is said about it (add insecure, skipTlsVerify or mirror, or remove it)',
      ],
    )
  })
})

const faultyImages: readonly [string, RegExp][] = [
  ['context: ../x', /images\[0\]\.context: .*leaves the repository/],
  ['context: /x', /context: .*absolute/],
  ['dockerfile: a/../../x', /dockerfile: .*leaves the repository/],
  ['buildArgs: { LD_PRELOAD: x }', /buildArgs\.LD_PRELOAD: .*refused/],
  ['buildArgs: { NODE_OPTIONS: x }', /buildArgs\.NODE_OPTIONS: .*refused/],
  ['buildArgs: { "a b": x }', /buildArgs\["a b"\]: .*cannot be a build argument/],
  ['buildArgs: { VERSION: 1.10 }', /write it in quotes: "1.10"/],
  ['buildArgs: { A: { secret: npm } }', /buildArgs\.A\.key: missing \(add it: text\)/],
  ['buildArgs: { A: { secret: npm, kye: x, key: y } }', /A\.kye: unknown key \(did you mean "key"/],
  ['buildArgs: { A: { secret: Npm, key: x } }', /A\.secret: .*cannot be the name of a Secret/],
  ['buildArgs: { A: { secret: npm, key: a/b } }', /A\.key: .*cannot be the key of a Secret/],
  ['buildArgs: { A: {tag} }', /buildArgs\.A: must be text \(write it in quotes: "\{tag\}"\)/],
  ['buildArgs: { PATH: { secret: a, key: b } }', /buildArgs\.PATH: .*refused/],
  ['buildArgs: { AWS_PROFILE: { secret: a, key: b } }', /AWS_PROFILE from a Secret is refused/],
  ['buildArgs: { http_proxy: { secret: a, key: b } }', /http_proxy from a Secret is refused/],
  ['buildArgs: { DOCKER_CONFIG: { secret: a, key: b } }', /DOCKER_CONFIG from a Secret is refused/],
  ['buildArgs: { X: "{brnch}" }', /unknown variable \{brnch\} \(did you mean \{branch\}/],
  ['buildArgs: { X: "a\\0b" }', /NUL/],
  ['buildArgs: { 1: x }', /the key is no text/],
  ['buildArgs: { __proto__: x }', /no key can have this name/],
  ['labels: { "a b": x }', /labels\["a b"\]: .*cannot be a label/],
  ['tags: ["{number}"]', /tags\[0\]: unknown variable \{number\} \(known here: \{branch\}/],
  ['tags: [{branch}]', /tags\[0\]: must be text \(write it in quotes: "\{branch\}"\)/],
  ['tags: []', /tags: is empty/],
  ['tags: main', /tags: must be a list \(write \[main\]\)/],
  ['tags: 1.10', /tags: must be a list \(write \["1\.10"\]\)/],
  ['tags: { a: b }', /tags: must be a list \(write a list: \[a, b\]\)/],
  ['tags:', /tags: has no value/],
  ['timeout: 5y', /timeout: "5y" is not a duration/],
  ['timeout: 0s', /timeout: "0s" is out of bounds/],
  ['startTimeout: 25d', /startTimeout: "25d" is out of bounds/],
  ['cache: true', /cache: must be a mapping \(write \{ enabled: true \}\)/],
  ['cache: false', /cache: must be a mapping \(write \{ enabled: false \}\)/],
  ['cache: on', /cache: must be a mapping \(write \{ enabled: true \}\)/],
  ['paths: [src/**]', /paths: must be a mapping \(write \{ include: \[src\/\*\*\] \}\)/],
  ['labels: [a]', /labels: must be a mapping \(write \{ name: "value" \}\)/],
  ['resources: 2Gi', /resources: must be a mapping \(write \{ limits: \{ memory: 2Gi \} \}\)/],
  ['cache: { enabled: "yes" }', /cache\.enabled: must be true or false/],
  ['cache: { tll: 1h }', /cache\.tll: unknown key \(did you mean "ttl"/],
  ['cache: { repository: "r.io/x:1" }', /cache\.repository: .*has a tag/],
  ['cache: { copyLayer: true }', /copyLayer: unknown key \(did you mean "copyLayers"/],
  ['snapshotMode: ful', /snapshotMode: unknown value \(did you mean full/],
  ['singleSnapshot: 1', /singleSnapshot: must be true or false/],
  ['singleSnapshot: true\ncache: { enabled: true }', /there is one for all \(turn one off\)/],
  ['reproducible: "yes"', /reproducible: must be true or false/],
  ['compression: zstd', /compression: must be a mapping/],
  ['compression: { type: xz }', /type: unknown value \(one of gzip, zstd\)/],
  ['compression: { level: 10 }', /level: is not a level \(a whole number from 1 to 9\)/],
  ['compression: { type: zstd, level: 10 }', /level: is not a level/],
  ['compression: { level: 0 }', /level: is not a level/],
  ['compression: { level: 1.5 }', /level: is not a level/],
  ['compression: { level: fast }', /level: is not a level/],
  ['compression: { levle: 1 }', /levle: unknown key \(did you mean "level"/],
  [
    'platforms: [linux/arm64, linux/amd64, linux/arm64/v8]',
    /\[2\]: is the platform of platforms\[0\]/,
  ],
  [
    'platforms: [linux/arm64, linux/amd64]\nbackend: tekton',
    /platforms: Tekton builds one platform/,
  ],
  [
    'publish: together\nplatforms: [linux/arm64, linux/amd64]',
    /publish: several platforms are always/,
  ],
  ['crossBuild: true', /crossBuild: says nothing without platforms/],
  ['crossBuild: "yes"', /crossBuild: must be true or false/],
  ['platforms: []', /platforms: is empty/],
  [
    `platforms: [${Array.from({ length: 9 }, (_, i) => `linux/arm/v${i}`).join(', ')}]`,
    /platforms: are more than 8 \(each is a Job of its own/,
  ],
  ['platforms: [windows/amd64]', /platforms\[0\]: .*kanihook builds for linux alone/],
  ['platforms: [linux/aarch64]', /platforms\[0\]: .*did you mean linux\/arm64\?/],
  ['scan: true', /scan: must be a mapping \(write \{ enabled: true \}\)/],
  ['scan: false', /scan: must be a mapping \(write \{ enabled: false \}\)/],
  [
    'scan: { database: reg.acme.io/db }',
    /scan\.database: must be a mapping \(write \{ repository: reg\.acme\.io\/db \}\)/,
  ],
  [
    'buildArgs: { U: { secretKeyRef: { name: npm, key: token } } }',
    /buildArgs\.U: .*\(write \{ secret: …, key: … \}, or text\)$/,
  ],
  ['buildArgs: { U: {branch} }', /buildArgs\.U: must be text \(write it in quotes: "\{branch\}"\)/],
  ['resources: { limits: { memory: 2GB } }', /limits\.memory: .*not a quantity/],
  ['resources: { limits: { memroy: 2Gi } }', /limits\.memroy: .*not a resource/],
  ['resources: { limit: {} }', /resources\.limit: unknown key \(did you mean "limits"/],
  [
    'resources: { requests: { cpu: 2 }, limits: { cpu: 500m } }',
    /request 2 is more than the limit 500m/,
  ],
  ['nodeSelector: { "a b": x }', /nodeSelector\["a b"\]: .*cannot be the key of a label/],
  ['nodeSelector: { pool: "a b" }', /nodeSelector\.pool: .*cannot be the value of a label/],
  [
    'nodeSelector: { pool: true }',
    /nodeSelector\.pool: must be text \(write it in quotes: "true"\)/,
  ],
  ['nodeSelector: { kubernetes.io/os: windows }', /builds run on Linux nodes alone/],
  [
    'nodeSelector: { kubernetes.io/arch: arm64 }\nplatforms: [linux/amd64]',
    /platforms wants a node of amd64, not of arm64/,
  ],
  [
    'nodeSelector: { kubernetes.io/arch: arm64 }\nplatforms: [linux/arm64, linux/amd64]',
    /platforms wants a node of amd64, not of arm64/,
  ],
  ['tolerations: { key: a }', /tolerations: must be a list/],
  ['tolerations: [{ value: a }]', /tolerations\[0\]\.key: missing \(name the taint/],
  ['tolerations: [{ key: a, operator: Is }]', /operator: unknown value \(one of Equal, Exists\)/],
  ['tolerations: [{ key: a, operator: Exists, value: b }]', /value: has no meaning with operator/],
  [
    'tolerations: [{ key: a, effect: NoSchedul }]',
    /effect: unknown value \(did you mean NoSchedule/,
  ],
  ['tolerations: [{ key: a, efect: NoSchedule }]', /efect: unknown key \(did you mean "effect"/],
  ['priorityClassName: High', /cannot be the name of a PriorityClass/],
  ['serviceAccountName: a/b', /cannot be the name of a ServiceAccount/],
  ['pushSecret: Registry_X', /cannot be the name of a Secret/],
  ['target: --x', /cannot be|is not the name of a stage/],
  ['verbosity: inf', /did you mean info/],
  ['paths: { include: ["a[b"] }', /include\[0\]: .*not a glob/],
  ['paths: { include: a }', /must be a list \(write \[a\]\)/],
  ['paths: { exclude: ["!a"] }', /would negate/],
  ['publish: alone', /publish: .*(apart|together)/],
  ['pullSecret: reader', /one login for all: pushSecret \(say publish: apart/],
  ['scan: true', /scan: must be a mapping/],
  ['scan: { severity: [HIHG] }', /severity\[0\]: unknown value \(did you mean HIGH\?\)/],
  ['scan: { severity: [] }', /severity: is empty/],
  ['scan: { severty: [HIGH] }', /severty: unknown key \(did you mean "severity"/],
  ['scan: { onFindings: ignore }', /onFindings: unknown value \(one of fail, warn\)/],
  ['scan: { ignoreFile: ../list }', /ignoreFile: .*leaves the repository/],
  [
    'scan: { database: { repository: trivy-db } }',
    /database\.repository: .*not a place in a registry \(write e\.g\. registry\.acme\.io/,
  ],
  ['scan: { database: { repo: a.io/x } }', /repo: unknown key \(known here: repository/],
  ['publish: together\nscan: {}', /publish: what is scanned is always published apart/],
  ['scan: {}\nbackend: tekton', /scan: Tekton starts all containers of a build at once/],
  ['webhookSecret: x', /webhookSecret: unknown key/],
  ['namespace: x', /namespace: unknown key/],
  ['certificate: x', /not supported by this version/],
  ['sparse: true', /sparse: the context is the whole repository/],
  ['lfs: 1', /lfs: must be true or false/],
  ['submodules: 1', /submodules: must be true or false/],
  ['name: b', /twice/],
]
describe('an image is refused that says', () => {
  for (const [lines, fault] of faultyImages) {
    test(lines, () => {
      const faults = faultsOf(withImage(lines))
      assert.equal(faults.length, 1, faults.join('\n'))
      assert.match(faults[0]!, fault)
      // Where it stands, and in brackets what to do; or the message is itself what to write.
      assert.match(faults[0]!, /^kanihook\.yaml:7:\d+: .*(\)|must be true or false)$/)
    })
  }
})

const faultyEntries: readonly [string, RegExp][] = [
  ['pullRequests: allways', /unknown value/],
  ['namespace: a.b', /cannot be the name of a namespace/],
  ['cloneSecret: Git_Key', /cloneSecret: "Git_Key" cannot be the name of a Secret/],
  ['context: x', /not a key of an entry \(move it to the items of "images", or to "defaults"\)/],
  ['branches: main', /must be a list \(write \[main\]\)/],
  ['branches: [1.10]', /branches\[0\]: must be text \(write it in quotes: "1.10"\)/],
  ['branches: ["a[b"]', /not a glob/],
  ['tags: [""]', /tags\[0\]: is empty/],
  ['images: []', /images: is empty/],
  ['images: [{ destination: r.io/x }]', /images\[0\]\.name: missing/],
  ['images: [{ name: "-x" }]', /cannot be the name of an image/],
  ['images: [{ name: a/b }]', /cannot be the name of an image/],
  ['images: [3]', /images\[0\]: must be a mapping \(write name: …\)/],
  ['images: { name: a }', /images: must be a list \(write a list: - name: …\)/],
  [
    'images: [{ name: a }, { name: b }]',
    /images\[0\] pushes the tag "\{branch\}" to the same destination/,
  ],
  ['images: &a [{ name: a }]\nx: *a', /aliases are not read/],
  ['tags: !mine [a]', /Unresolved tag/],
  ['? [a]\n: b', /the key is no text/],
]
describe('an entry is refused that says', () => {
  for (const [lines, fault] of faultyEntries) {
    test(JSON.stringify(lines), () => {
      const faults = faultsOf(withEntry(lines))
      assert.equal(faults.length, 1, faults.join('\n'))
      assert.match(faults[0]!, fault)
    })
  }
})

const faultyFiles: readonly [string, string, RegExp][] = [
  ['an empty one', '', /^kanihook\.yaml:1:1: the file is empty/],
  ['one of comments alone', '# x\n', /the file is empty/],
  ['a list', '- a\n', /must be a mapping \(write repositories: above the list\)/],
  ['a text', 'a\n', /must be a mapping \(write repositories: and below it a list: - match: …\)/],
  [
    'a mapping of repositories',
    'repositories: { match: github.com/acme/* }\n',
    /repositories: must be a list \(write a list: - match: …\)/,
  ],
  [
    'a list of names',
    'repositories: [github.com/acme/*]\n',
    /repositories\[0\]: must be a mapping \(write match: github\.com\/acme\/\*\)/,
  ],
  [
    'a registry by its name',
    'repositories: []\nregistries: r.io\n',
    /registries: must be a list \(write a list: - host: …\)/,
  ],
  [
    'a default by itself',
    'repositories: []\ndefaults: r.io\n',
    /defaults: must be a mapping \(write destination: registry/,
  ],
  ['one without repositories', 'defaults: {}\n', /repositories: missing/],
  ['no YAML', 'repositories: [\n', /not YAML/],
  ['two documents', 'repositories: []\n---\nx: 1\n', /not YAML/],
  ['tabs', 'repositories:\n\t- a\n', /not YAML/],
  ['a template engine’s', 'repositories: {{ x }}\n', /./],
  ['a huge one', `#${'x'.repeat(1024 * 1024)}`, /1 MiB/],
  ['a deep one', `repositories: ${'['.repeat(5_000)}${']'.repeat(5_000)}`, /not YAML/],
  [
    'unknown keys',
    'repositories: []\nrepos: []\n',
    /:2:1: repos: unknown key \(known here: defaults/,
  ],
  ['a default name', 'repositories: []\ndefaults: { name: x }\n', /only an image has a name/],
  [
    'a certificate',
    'repositories: []\nregistries: [{ host: r.io, insecure: true, certificate: x }]',
    /certificate: not supported/,
  ],
  [
    'a bad host',
    'repositories: []\nregistries: [{ host: https://r.io, insecure: true }]',
    /is not a registry's host/,
  ],
  [
    'a bad mirror',
    'repositories: []\nregistries: [{ host: r.io, mirror: "https://m.io" }]',
    /is not host\[:port\]\[\/path\]/,
  ],
  [
    'both insecure',
    'repositories: []\nregistries: [{ host: r.io, insecure: true, skipTlsVerify: true }]',
    /not both/,
  ],
  [
    'a registry twice',
    'repositories: []\nregistries: [{ host: r.io, insecure: true }, { host: R.io, mirror: m.io }]',
    /registries\[1\]\.host: registries\[0\] has the same host/,
  ],
  [
    'no destination',
    'repositories: [{ match: a.io/b }]',
    /repositories\[0\]\.destination: missing/,
  ],
  [
    'an image without destination',
    'repositories: [{ match: a.io/b, images: [{ name: x }] }]',
    /images\[0\]\.destination: missing/,
  ],
  [
    'a destination that is no text',
    'repositories: [{ match: a.io/b, destination: [r.io/x, 5] }]',
    /destination: is not a place \(write e\.g\./,
  ],
  [
    'no destination in the list',
    'repositories: [{ match: a.io/b, destination: [] }]',
    /destination: is empty/,
  ],
  [
    'a destination twice',
    'repositories: [{ match: a.io/b, destination: [r.io/x, r.io/x] }]',
    /destination: names a place twice \(keep one\)/,
  ],
  [
    'a tag in a list of destinations',
    'repositories: [{ match: a.io/b, destination: [r.io/x, r.io/y:1] }]',
    /destination\[1\]: "r\.io\/y:1" has a tag/,
  ],
  [
    'one place of two lists with one tag',
    'repositories: [{ match: a.io/b, images: [{ name: x, destination: [r.io/x, r.io/y] }, { name: y, destination: r.io/y }] }]',
    /images\[1\]\.destination: images\[0\] pushes the tag "\{branch\}" to the same destination/,
  ],
  ['no match', 'repositories: [{ destination: r.io/x }]', /repositories\[0\]\.match: missing/],
  ['a match without path', 'repositories: [{ match: acme, destination: r.io/x }]', /has no path/],
  [
    'a URL',
    'repositories: [{ match: "https://a.io/b", destination: r.io/x }]',
    /leave out https:\/\//,
  ],
  ['a .git', 'repositories: [{ match: a.io/b.git, destination: r.io/x }]', /ends with \.git/],
  [
    'one match twice',
    'repositories: [{ match: a.io/b, destination: r.io/x }, { match: A.io/b, destination: r.io/y }]',
    /repositories\[1\]\.match: never decides: repositories\[0\] has the same match/,
  ],
]
describe('a file is refused that is or has', () => {
  for (const [what, text, fault] of faultyFiles) {
    test(what, () => {
      const faults = faultsOf(text)
      assert.ok(faults.length > 0)
      assert.match(faults[0]!, fault)
      assert.match(faults[0]!, /^kanihook\.yaml:\d+:\d+: /)
    })
  }
})

test('a bomb of aliases is refused at once', () => {
  const bomb = ['a: &a [x, x]']
  for (let i = 0; i < 40; i++)
    bomb.push(`${'b'.repeat(i + 1)}: &x${i} [${i ? `*x${i - 1}, *x${i - 1}` : '*a, *a'}]`)
  const started = performance.now()
  assert.match(faultsOf(bomb.join('\n'))[0]!, /aliases are not read/)
  assert.ok(performance.now() - started < 2_000)
})

test('the value of a build argument is never repeated: it may be a secret', () => {
  const faults = faultsOf(withImage('buildArgs: { LD_PRELOAD: hunter2hunter2, B: "hunter2{x}" }'))
  assert.equal(faults.length, 2)
  assert.ok(!faults.join().includes('hunter2'))
})
