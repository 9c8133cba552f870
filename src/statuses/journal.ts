import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Post } from './reporter.ts'

/** One line and one count per status that a forge took or refused, found by its builds, repository and sha. */
export const createStatusJournal =
  (logger: Logger, metrics: Pick<Metrics, 'status'>) =>
  ({ repository, sha, builds, status }: Post, refused?: string): void => {
    const { forge, path } = repository
    const { context, state, description } = status
    const facts = { builds, forge, repository: path, sha, context, state, description }
    metrics.status(forge, refused === undefined ? 'posted' : 'refused')
    if (refused === undefined) logger.info(facts, 'status posted')
    else logger.error({ ...facts, refused }, 'status refused by the forge')
  }
