import { Redis } from 'ioredis'

/** Everything that Redis holds, as text. */
export async function everythingIn(url: string): Promise<string> {
  const redis = new Redis(url)
  try {
    const keys = await redis.keys('*')
    const values = await Promise.all(
      keys.map(async (name) => {
        const type = await redis.type(name)
        if (type === 'hash') return redis.hgetall(name)
        if (type === 'list') return redis.lrange(name, 0, -1)
        if (type === 'zset') return redis.zrangebyscore(name, '-inf', '+inf')
        if (type === 'set') return redis.smembers(name)
        if (type === 'stream') return redis.xrange(name, '-', '+')
        return redis.get(name)
      }),
    )
    return JSON.stringify([keys, values])
  } finally {
    redis.disconnect()
  }
}
