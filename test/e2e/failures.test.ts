import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startFaultyRegistry, type FaultyRegistry } from './support/faulty-registry.ts'
import { createWorld, runningCluster, wrongLogin, type World } from './support/world.ts'

/**
 * What goes wrong for real, and the status that someone who never saw Kaniko reads. Of git it is in
 * clone-failures.test.ts.
 */

let world: World
let faulty: FaultyRegistry

before(async () => {
  const cluster = await runningCluster()
  faulty = await startFaultyRegistry(cluster.registry, cluster.hostAddress)
  world = await createWorld({
    registries: () => [`{ host: "${faulty.host}", insecure: true }`],
    repositories: ({ registry, forgeHost }) => {
      const image = (settings: string, where = `${registry}/dev`): string => `
    images: [{ name: app, destination: "${where}/{repo}", ${settings} }]`
      const main = 'tags: ["{branch}"]'
      return `
  - match: "${forgeHost}/dev/wrong-login-*"${image(`pushSecret: ${wrongLogin}`)}
  - match: "${forgeHost}/dev/no-login-*"${image('pushSecret: not-there, startTimeout: 15s')}
  - match: "${forgeHost}/dev/denied-*"${image(main, `${faulty.host}/denied`)}
  - match: "${forgeHost}/dev/midway-*"${image(main, `${faulty.host}/midway`)}
  - match: "${forgeHost}/dev/push-tls-*"${image(main, `${faulty.untrusted}/dev`)}
  - match: "${forgeHost}/dev/no-cache-*"${image(`${main}, cache: { enabled: true, repository: "${faulty.host}/denied/cache" }`, `${faulty.host}/dev`)}
  - match: "${forgeHost}/dev/target-*"${image('target: nowhere')}
  - match: "${forgeHost}/dev/memory-*"${image('resources: { limits: { memory: 150Mi } }')}
  - match: "${forgeHost}/dev/timeout-*"${image('timeout: 4s')}
  - match: "${forgeHost}/dev/json-*"${image('logFormat: json')}
  - match: "${forgeHost}/dev/color-*"${image('logFormat: color')}
  - match: "${forgeHost}/dev/unschedulable-*"${image('startTimeout: 3s, resources: { requests: { cpu: "500" } }')}
  - match: "${forgeHost}/dev/*"${image(main)}
`
    },
  })
})
after(async () => {
  await world?.close()
  await faulty?.close()
})

interface Failure {
  /** Repository name: chooses the entry of kanihook.yaml. */
  readonly name: string
  /**
   * The Dockerfile below its FROM, or all of it where it starts with FROM; undefined: none. {registry}, {faulty}
   * and {untrusted} are hosts.
   */
  readonly dockerfile: string | undefined
  readonly state: 'failure' | 'error'
  readonly says: RegExp
}

const failures: readonly Failure[] = [
  {
    name: 'run',
    dockerfile: 'RUN echo first && echo the last words && exit 3',
    state: 'failure',
    says: /^RUN echo first && echo the last words && exit 3 failed with exit code 3: first \/ the last words$/,
  },
  ...['json', 'color'].map((format): Failure => ({
    name: format,
    dockerfile: 'RUN true\nRUN echo first && echo the last words && exit 3',
    state: 'failure',
    says: /^RUN echo first && echo the last words && exit 3 failed with exit code 3: first \/ the last words$/,
  })),
  {
    name: 'no-dockerfile',
    dockerfile: undefined,
    state: 'failure',
    says: /^Dockerfile not found: Dockerfile$/,
  },
  {
    name: 'syntax',
    dockerfile: 'RUM echo',
    state: 'failure',
    says: /^Dockerfile line 2: unknown instruction: RUM/,
  },
  {
    name: 'copy',
    dockerfile: 'COPY missing.txt /',
    state: 'failure',
    says: /^COPY source not found in the context: missing\.txt$/,
  },
  {
    name: 'base',
    dockerfile: 'FROM {registry}/library/nothing:9',
    state: 'failure',
    says: /^Base image .*library\/nothing:9 not found$/,
  },
  {
    name: 'target',
    dockerfile: 'RUN true',
    state: 'failure',
    says: /^Target stage "?nowhere"? is not in the Dockerfile$/,
  },
  {
    name: 'base-login',
    dockerfile: 'FROM {faulty}/private/base:1',
    state: 'failure',
    says: /^Base image \S+\/private\/base:1: login refused: put one for its registry into Secret registry-credentials$/,
  },
  {
    name: 'base-limit',
    dockerfile: 'FROM {faulty}/limited/base:1',
    state: 'error',
    says: /^Registry \S+ allows no more pulls now: put a login for it into the pushSecret, or set a mirror \(after 3 tries\)$/,
  },
  {
    name: 'base-tls',
    dockerfile: 'FROM {untrusted}/library/base:1',
    state: 'error',
    says: /^TLS certificate of \S+ refused \(certificate signed by unknown authority\): set skipTlsVerify under registries, or trust it$/,
  },
  {
    name: 'killed',
    dockerfile: 'RUN echo before && kill -9 $$',
    state: 'failure',
    says: /^RUN echo before && kill -9 \$\$ was killed: has it too little memory\? Set resources\.requests\.memory: before$/,
  },
  {
    name: 'architecture',
    dockerfile:
      'RUN printf "\\177ELF\\002\\001\\001" > /foreign && chmod +x /foreign\nRUN ["/foreign"]',
    state: 'failure',
    says: /^RUN needs another CPU architecture than the node has: set platforms$/,
  },
  {
    name: 'denied',
    dockerfile: 'RUN true',
    state: 'error',
    says: /^Push to \S+\/denied\/denied-\w+:main denied: is a login that may write there in Secret registry-credentials\?$/,
  },
  {
    name: 'midway',
    dockerfile: 'RUN true',
    state: 'error',
    says: /^Push to \S+\/midway\/midway-\w+:main failed midway: UNKNOWN: by a test \(after 3 tries\)$/,
  },
  {
    name: 'push-tls',
    dockerfile: 'RUN true',
    state: 'error',
    says: /^TLS certificate of \S+ refused \(certificate signed by unknown authority\): set skipTlsVerify under registries, or trust it$/,
  },
  {
    name: 'wrong-login',
    dockerfile: 'RUN true',
    state: 'error',
    says: /refused the login for push: check Secret registry-wrong$/,
  },
  {
    name: 'no-login',
    dockerfile: 'RUN true',
    state: 'error',
    says: /^Not started within 15s: FailedMount: .*secret "not-there" not found/,
  },
  {
    name: 'memory',
    // tail keeps the last 300 MB of its input in memory.
    dockerfile: 'RUN head -c 400m /dev/zero | tail -c 300m > /dev/null',
    state: 'failure',
    says: /^Out of memory \(limit 150Mi\): raise resources\.limits\.memory$/,
  },
  {
    name: 'timeout',
    dockerfile: 'RUN sleep 60',
    state: 'failure',
    says: /^Timed out after 4s/,
  },
  {
    name: 'unschedulable',
    dockerfile: 'RUN true',
    state: 'error',
    says: /^Not started within 3s: Unschedulable: .*Insufficient cpu/,
  },
]

describe('a build that fails', { concurrency: 3 }, () => {
  for (const { name, dockerfile, state, says } of failures) {
    test(`${name}: ${says.source}`, async () => {
      const repository = await world.repository(name)
      const { registry } = world.cluster
      const text = dockerfile?.startsWith('FROM')
        ? dockerfile
            .replace('{registry}', registry.host)
            .replace('{faulty}', faulty.host)
            .replace('{untrusted}', faulty.untrusted)
        : `FROM ${world.cluster.baseImage}\n${dockerfile}\n`
      const files = dockerfile === undefined ? { 'content.txt': 'x' } : { Dockerfile: text }
      const sha = await repository.commit(files)
      await repository.push('main')
      const end = await world.ended(repository, sha)
      assert.match(end.description, says)
      assert.equal(end.status, state)
      assert.ok(end.description.length <= 140, end.description)
    })
  }
})

test('layers that cannot be kept in the cache are no failure', async () => {
  const repository = await world.repository('no-cache')
  const sha = await repository.commit({
    Dockerfile: `FROM ${world.cluster.baseImage}\nRUN true > /a\n`,
  })
  await repository.push('main')
  const { status, description, target_url } = await world.ended(repository, sha)
  assert.equal(status, 'success', description)
  assert.match(await (await fetch(target_url)).text(), /Error uploading layer to cache/)
})
