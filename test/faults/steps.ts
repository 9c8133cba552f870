import type { PodStep } from './pods.ts'

/** What is seen from outside of a delivery and its build, in this order. */
export type Step = 'accepted' | 'pending told' | PodStep | 'end told'

export interface Steps {
  /** `of`: which receiver accepted. */
  tell(step: Step, of?: unknown): void
  /** Resolves with what is told of the next one, in the moment in which it is told. */
  next(step: Step): Promise<unknown>
}

export function createSteps(): Steps {
  const waiting = new Map<Step, PromiseWithResolvers<unknown>>()
  return {
    tell(step, of) {
      waiting.get(step)?.resolve(of)
      waiting.delete(step)
    },
    next(step) {
      const next = waiting.get(step) ?? Promise.withResolvers<unknown>()
      waiting.set(step, next)
      return next.promise
    },
  }
}
