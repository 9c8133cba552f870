import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Queue } from 'bullmq'
import { createDeliveryQueue } from '../../src/queue/deliveries.ts'
import { prefix } from '../../src/queue/redis.ts'
import { buildsQueue, createWorkQueues } from '../../src/queue/work-queues.ts'
import { useRedis } from '../support/redis.ts'
import { delivery } from '../support/samples.ts'

const redis = useRedis()

test('the depth of a queue is all that is left to do in it, whatever its state', async () => {
  const queues = createWorkQueues({ redis: redis.client })
  const deliveries = createDeliveryQueue(redis.client)
  const builds = new Queue(buildsQueue, { connection: redis.client, prefix })
  try {
    await queues.build('first')
    await builds.add('build', 'second')
    await builds.add('build', 'third', { delay: 60_000 })
    await queues.status('first', true)
    await queues.status('first', false)
    await deliveries.accept(delivery())
    const depths = [...(await deliveries.depths()), ...(await queues.depths())]
    assert.deepEqual(
      depths.filter(({ jobs }) => jobs > 0),
      [
        { queue: 'deliveries', state: 'prioritized', jobs: 1 },
        { queue: 'builds', state: 'waiting', jobs: 1 },
        { queue: 'builds', state: 'prioritized', jobs: 1 },
        { queue: 'builds', state: 'delayed', jobs: 1 },
        { queue: 'statuses', state: 'waiting', jobs: 1 },
        { queue: 'statuses', state: 'prioritized', jobs: 1 },
      ],
    )
  } finally {
    await Promise.all([queues.close(), deliveries.close(), builds.close()])
  }
})
