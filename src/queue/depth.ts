import type { Queue } from 'bullmq'
import type { QueueDepth } from '../telemetry/metrics.ts'

const states = ['waiting', 'prioritized', 'delayed', 'active', 'failed'] as const

/** How many jobs a queue holds, by state; what has been done is not counted. */
export async function depthsOf(queue: Queue): Promise<QueueDepth[]> {
  const counts = await queue.getJobCounts(...states)
  return Object.entries(counts).map(([state, jobs]) => ({ queue: queue.name, state, jobs }))
}
