import { PermanentError, RetryLater } from '../errors.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { SweepJournal } from './sweep.ts'

/** Tells of sweeps in the log and the metrics. A repository that cannot be looked at is a warning once. */
export const createSweepJournal = (
  logger: Logger,
  metrics: Pick<Metrics, 'swept' | 'found'>,
): SweepJournal => ({
  looked: ({ forge }, seconds) => metrics.swept(forge, 'done', seconds),

  failed({ forge, host, path }, { error, failures, nextAt }, seconds) {
    metrics.swept(forge, 'failed', seconds)
    const known = error instanceof PermanentError || error instanceof RetryLater
    const facts = {
      forge,
      repository: `${host}/${path}`,
      ...(known ? { reason: error.message } : { err: error }),
      failures,
      nextLook: new Date(nextAt).toISOString(),
    }
    const level = failures === 1 ? 'warn' : 'debug'
    logger[level](facts, 'missed pushes of a repository cannot be looked for')
  },

  found({ id, event: { repository, ref, after } }) {
    metrics.found(repository.forge)
    const facts = { delivery: id, forge: repository.forge, repository: repository.path, ref, after }
    logger.warn(facts, 'push found by the sweep: its delivery never came')
  },
})
