import { PermanentError, RetryLater } from '../errors.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { RedeliveryJournal } from './redeliveries.ts'
import type { SweepJournal } from './sweep.ts'

/** Tells of sweeps in the log and the metrics. A repository that cannot be looked at is a warning once. */
export function createSweepJournal(
  logger: Logger,
  metrics: Pick<Metrics, 'swept' | 'found' | 'redelivered'>,
): SweepJournal & RedeliveryJournal {
  /** Forges that were told of. */
  const refused = new Set<string>()
  return {
    looked: ({ forge }, seconds) => metrics.swept(forge, 'done', seconds),

    failed({ forge, host, path }, { error, failures, nextAt }, seconds) {
      metrics.swept(forge, 'failed', seconds)
      const facts = {
        forge,
        repository: `${host}/${path}`,
        ...reasonOf(error),
        failures,
        nextLook: new Date(nextAt).toISOString(),
      }
      const level = failures === 1 ? 'warn' : 'debug'
      logger[level](facts, 'missed pushes of a repository cannot be looked for')
    },

    found({ id, event: { repository, ref, after } }) {
      metrics.found(repository.forge)
      const facts = {
        delivery: id,
        forge: repository.forge,
        repository: repository.path,
        ref,
        after,
      }
      logger.warn(facts, 'push found by the sweep: its delivery never came')
    },

    asked(forge, { id, at, status }, repository) {
      metrics.redelivered(forge)
      const facts = { forge, repository: repository?.path, forgeId: id, status }
      logger.warn({ ...facts, at: new Date(at).toISOString() }, 'failed delivery asked for again')
    },

    refused(forge, error, repository) {
      const isPermanent = error instanceof PermanentError
      const facts = { forge, repository: repository?.path, ...reasonOf(error) }
      // What one login may not, it may not anywhere: once is enough.
      const level = isPermanent && !refused.has(forge) ? 'warn' : 'debug'
      if (isPermanent) refused.add(forge)
      logger[level](facts, 'failed deliveries cannot be asked for again')
    },
  }
}

/** What stands in the way; an error that nobody foresaw comes with its stack. */
const reasonOf = (error: unknown): object =>
  error instanceof PermanentError || error instanceof RetryLater
    ? { reason: error.message }
    : { err: error }
