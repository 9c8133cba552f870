import { isEnded } from '../builds/build.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Hold } from '../forges/budget.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { ReporterOptions } from './reporter.ts'

/**
 * One line and one count per status that a forge took or refused, found by its builds, repository and sha; and
 * how long a push waited for its first and its last one.
 */
export const createStatusJournal =
  (
    logger: Logger,
    metrics: Pick<Metrics, 'status' | 'shown'>,
  ): NonNullable<ReporterOptions['posted']> =>
  ({ repository, sha, builds, status, about, first }, refused) => {
    const { forge, path } = repository
    const { context, state, description } = status
    const facts = { builds, forge, repository: path, sha, context, state, description }
    metrics.status(forge, refused === undefined ? 'posted' : 'refused', refused?.reason)
    if (refused === undefined) {
      logger.info(facts, 'status posted')
      if (about.receivedAt === undefined) return
      const seconds = (Date.now() - about.receivedAt) / 1000
      if (first) metrics.shown('first', seconds)
      if (isEnded(about.state)) metrics.shown('last', seconds)
      return
    }
    const { message, reason, fix, againMs } = refused
    const again = againMs === undefined ? 'when it changes' : `in ${againMs / 60_000} min`
    logger.error({ ...facts, refused: message, reason, fix, again }, 'status refused by the forge')
  }

/** One line and one count for each time that a forge is left in peace, with everything of one credential. */
export const createHoldJournal =
  (logger: Logger, metrics: Pick<Metrics, 'hold'>) =>
  (hold: Hold): void => {
    metrics.hold(hold.forge, hold.why)
    logger.warn(
      hold,
      hold.why === 'limited'
        ? 'the forge asked to wait: statuses come later'
        : 'the forge does not answer: statuses come later',
    )
  }
