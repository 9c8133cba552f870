import type { BuildPlan } from './build.ts'
import type { Delivery } from './push-event.ts'

/** What the records of a delivery's builds say of where they come from. `what`: what was done to the ref. */
export function causedBy(
  { id, event, foundBy }: Delivery,
  what: 'pushed' | 'approved' = 'pushed',
): Pick<BuildPlan, 'cause' | 'foundBy'> {
  if (foundBy === undefined) return { cause: `${event.ref} was ${what} (delivery ${id})` }
  return {
    cause: `${event.ref} was ${what} (found by the sweep, no delivery led to it; as delivery ${id})`,
    foundBy,
  }
}
