import { hash } from 'node:crypto'

/**
 * The id of a delivery: `<forge>-<40 hex digits>`, the same for every redelivery of it. Hashed, since
 * what a forge sends as its id is not fit to be a key.
 */
export const deliveryId = (forge: string, identity: string): string =>
  `${forge}-${hash('sha256', identity).slice(0, 40)}`
