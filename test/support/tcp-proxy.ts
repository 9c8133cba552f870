import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A way to a server on this machine that can go dead without a word, as a network does. */
export interface TcpProxy {
  readonly port: number
  /** From now on nothing passes on the connections that there are, and none is closed. */
  freeze(): void
  /** Whether connections that come from now on are dead as well. */
  freezeNew(frozen: boolean): void
  /** Connections that come from now on lead to another port; those that there are stay where they are. */
  leadTo(port: number): void
  /** From now on every answer takes so many milliseconds longer. */
  slow(ms: number): void
  close(): Promise<void>
}

export async function startTcpProxy(
  targetPort: number,
  /** Both ends: this machine alone, unless another address of it is given. */
  address = '127.0.0.1',
): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  let target = targetPort
  let newFrozen = false
  let lag = 0
  const server = createServer((near) => {
    const far = connect(target, address)
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
      else if (from === near) from.pipe(to)
      else
        from.on(
          'data',
          (data) => void (lag ? setTimeout(() => to.write(data), lag) : to.write(data)),
        )
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
    leadTo(port) {
      target = port
    },
    slow(ms) {
      lag = ms
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
