import type { IncomingMessage, ServerResponse } from 'node:http'
import { answer } from './answer.ts'

/**
 * Cuts a request that has not come whole after so many milliseconds, answered or not. Returns how to lift that, for
 * a body that may take its time.
 */
export function deadline(req: IncomingMessage, res: ServerResponse, ms: number): () => void {
  const timer = setTimeout(() => {
    if (req.complete) return
    answer(res, 408, { error: 'the request took too long to arrive' }, { connection: 'close' })
    req.destroy()
  }, ms)
  const lift = (): void => clearTimeout(timer)
  req.once('end', lift).once('close', lift)
  return lift
}
