import type { BuildPlan, ImagePlan } from '../../src/builds/build.ts'
import { buildId } from '../../src/builds/build.ts'
import type { Delivery, PushEvent, Repository } from '../../src/builds/push-event.ts'
import type { ImageRule, RepositoryRule, Rules } from '../../src/builds/rules.ts'

/** Plain values for tests; what a test is about it says itself. */

export const repository: Repository = {
  forge: 'gitea',
  id: '7',
  host: 'git.example.com',
  path: 'acme/app',
}

export const sha = (digit: string): string => digit.repeat(40)

export const zeroSha = sha('0')

export const imagePlan: ImagePlan = {
  name: 'app',
  destinations: ['registry.example.com/acme/app:main'],
  context: '.',
  dockerfile: 'Dockerfile',
  target: undefined,
  buildArgs: {},
  labels: {},
  platform: undefined,
  resources: {},
  pushSecret: undefined,
  cache: { enabled: false, ttlMs: 3_600_000, repository: 'registry.example.com/acme/app/cache' },
  timeoutMs: 60_000,
  startTimeoutMs: 60_000,
  verbosity: 'info',
}

export const imageRule: ImageRule = {
  name: 'app',
  destinations: ['registry.example.com/{owner}/{repo}'],
  tags: ['{branch}', '{tag}', '{shortSha}'],
  context: '.',
  dockerfile: 'Dockerfile',
  target: undefined,
  buildArgs: {},
  labels: {},
  platform: undefined,
  resources: {},
  pushSecret: undefined,
  cache: { enabled: false, ttlMs: 3_600_000, repository: undefined },
  paths: undefined,
  timeoutMs: 60_000,
  startTimeoutMs: 60_000,
  verbosity: 'info',
}

export function buildPlan(change: Partial<BuildPlan> = {}): BuildPlan {
  const plan = {
    repository,
    ref: 'refs/heads/main',
    generation: 1,
    image: 'app',
    attempt: 1,
    sha: sha('a'),
    plan: imagePlan,
    cause: 'delivery test',
    ...change,
  }
  return { id: buildId(plan), ...plan }
}

/** Rules of one entry that builds every branch and tag. */
export function rulesOf(...images: ImageRule[]): Rules {
  const rule: RepositoryRule = {
    match: '**',
    pullRequests: 'trusted',
    images: images.length > 0 ? images : [imageRule],
    unwanted: () => undefined,
  }
  return { find: () => rule }
}

let deliveries = 0

export function delivery(event: Partial<PushEvent> = {}): Delivery {
  deliveries += 1
  return {
    id: `gitea-${deliveries}`,
    forgeId: undefined,
    receivedAt: Date.now(),
    event: {
      repository,
      ref: 'refs/heads/main',
      before: zeroSha,
      after: sha('a'),
      forced: false,
      defaultBranch: 'main',
      ...event,
    },
  }
}
