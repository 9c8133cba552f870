import { randomBytes } from 'node:crypto'
import type { Build, ImagePlan } from '../../../src/builds/build.ts'
import type { GitCredential, JobRequest } from '../../../src/builds/ports.ts'
import { buildPlan, imagePlan } from '../../support/samples.ts'
import type { Behaviour } from './setup.ts'

/** A commit that can be cloned. */
export interface Source {
  readonly cloneUrl: string
  readonly ref: string
  readonly sha: string
  readonly credential: GitCredential | undefined
}

/** A request for a build that no test has seen before. */
export function newRequest(source: Source, plan: Partial<ImagePlan> = {}): JobRequest {
  const { cloneUrl, credential, ref, sha } = source
  const repository = {
    forge: 'gitea',
    // Another repository is another build.
    id: String(randomBytes(4).readUInt32BE()),
    host: new URL(cloneUrl).host,
    path: 'acme/app',
  }
  const build: Build = {
    ...buildPlan({ repository, ref, sha, plan: { ...imagePlan, ...plan } }),
    state: 'starting',
    createdAt: Date.now(),
    endedAt: undefined,
    steps: [],
    outcome: undefined,
    tries: 1,
    stop: undefined,
    protected: false,
  }
  return { build, tries: 1, cloneUrl, credential }
}

/** What the behaviours are in a cluster that runs them: a Dockerfile on a base image with a shell. */
export const dockerfile = (behaviour: Behaviour, baseImage: string): string => {
  const steps: Record<Behaviour, string> = {
    succeeds: 'RUN echo built > /built',
    fails: 'RUN echo about to fail && exit 42',
    talks: 'RUN for i in $(seq 1 20); do echo "line $i"; sleep 0.1; done',
    hangs: 'RUN echo hanging && sleep 600',
  }
  return `FROM ${baseImage}\nCOPY . /app\n${steps[behaviour]}\n`
}
