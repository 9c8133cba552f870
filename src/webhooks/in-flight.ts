/** The part of the cap that one request holds, until it leaves. */
export interface Slot {
  /** Counts bytes that the request makes the process hold; false: there is no room for them. */
  hold(bytes: number): boolean
  leave(): void
}

/**
 * A cap on the requests that are being answered and on the bytes that they hold together: the size
 * of one body bounds nothing where hundreds arrive at once.
 */
export function createInFlight(cap: { requests: number; bytes: number }): {
  /** Undefined: full. */
  enter(): Slot | undefined
} {
  let requests = 0
  let bytes = 0
  return {
    enter() {
      if (requests >= cap.requests) return undefined
      requests += 1
      let held = 0
      return {
        hold(more) {
          if (bytes + more > cap.bytes) return false
          held += more
          bytes += more
          return true
        },
        leave() {
          requests -= 1
          bytes -= held
        },
      }
    },
  }
}
