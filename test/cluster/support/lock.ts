import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, connect, type Server, type Socket } from 'node:net'

/**
 * Runs the work while no other process on this machine holds the lock of that name.
 *
 * The lock is a listening socket in Linux's abstract namespace: the kernel lets only one process
 * have it and takes it back when that process ends, however it ends, so no lock is ever stale.
 */
export async function withLock<T>(
  name: string,
  work: () => Promise<T>,
  onWait?: () => void,
): Promise<T> {
  const path = `\0kanihook-${createHash('sha256').update(name).digest('hex')}`
  let holder = await tryToHold(path)
  if (!holder) onWait?.()
  while (!holder) {
    await untilReleased(path)
    holder = await tryToHold(path)
  }
  try {
    return await work()
  } finally {
    holder.release()
  }
}

async function tryToHold(path: string): Promise<{ release(): void } | undefined> {
  const waiters = new Set<Socket>()
  const server: Server = createServer((socket) => {
    waiters.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => waiters.delete(socket))
    socket.unref()
  })
  try {
    server.listen(path)
    await once(server, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined
    throw error
  }
  server.unref()
  return {
    release() {
      server.close()
      for (const waiter of waiters) waiter.destroy()
    },
  }
}

/** The holder keeps the connection open for as long as it holds the lock. */
async function untilReleased(path: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const socket = connect(path)
  socket.on('error', () => undefined) // released before, or by the end of its process
  socket.on('close', () => resolve())
  socket.resume()
  await promise
}
