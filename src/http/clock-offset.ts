/**
 * How far the clock that wrote a `Date` header is ahead of this machine's, in milliseconds (RFC 9110:
 * whole seconds); undefined where there is no such header. `now`: milliseconds since the epoch.
 */
export function clockOffset(date: string | null | undefined, now: number): number | undefined {
  const then = Date.parse(date ?? '')
  return Number.isNaN(then) ? undefined : then - now
}
