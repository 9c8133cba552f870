import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A way to a server on this machine that can go dead without a word, as a network does. */
export interface TcpProxy {
  readonly port: number
  /** From now on nothing passes on the connections that there are, and none is closed. */
  freeze(): void
  /** Whether connections that come from now on are dead as well. */
  freezeNew(frozen: boolean): void
  close(): Promise<void>
}

export async function startTcpProxy(
  targetPort: number,
  /** Both ends: this machine alone, unless another address of it is given. */
  address = '127.0.0.1',
): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  let newFrozen = false
  const server = createServer((near) => {
    const far = connect(targetPort, address)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('error', () => undefined)
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      if (newFrozen) from.pause()
      else from.pipe(to)
    }
  })
  server.listen(0, address)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    freeze() {
      for (const socket of sockets) socket.unpipe().pause()
    },
    freezeNew(frozen) {
      newFrozen = frozen
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
