import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createWorld, wrongLogin, type World } from './support/world.ts'

/** What goes wrong for real, and the status that someone who never saw Kaniko reads. */

let world: World

before(async () => {
  world = await createWorld({
    repositories: ({ registry, forgeHost }) => {
      const image = (settings: string): string => `
    images: [{ name: app, destination: "${registry}/dev/{repo}", ${settings} }]`
      return `
  - match: "${forgeHost}/dev/wrong-login-*"${image(`pushSecret: ${wrongLogin}`)}
  - match: "${forgeHost}/dev/no-login-*"${image('pushSecret: not-there, startTimeout: 15s')}
  - match: "${forgeHost}/dev/memory-*"${image('resources: { limits: { memory: 150Mi } }')}
  - match: "${forgeHost}/dev/timeout-*"${image('timeout: 4s')}
  - match: "${forgeHost}/dev/json-*"${image('logFormat: json')}
  - match: "${forgeHost}/dev/color-*"${image('logFormat: color')}
  - match: "${forgeHost}/dev/unschedulable-*"${image('startTimeout: 3s, resources: { requests: { cpu: "500" } }')}
  - match: "${forgeHost}/dev/*"${image('tags: ["{branch}"]')}
`
    },
  })
})
after(async () => world.close())

interface Failure {
  /** Repository name: chooses the entry of kanihook.yaml. */
  readonly name: string
  /** The Dockerfile below its FROM, or all of it where it starts with FROM; undefined: none. */
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
    dockerfile: 'FROM registry/library/nothing:9',
    state: 'failure',
    says: /^Base image .*library\/nothing:9 not found$/,
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

for (const { name, dockerfile, state, says } of failures) {
  test(`${name}: ${says.source}`, async () => {
    const repository = await world.repository(name)
    const { registry } = world.cluster
    const text = dockerfile?.startsWith('FROM')
      ? dockerfile.replace('registry/', `${registry.host}/`)
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
