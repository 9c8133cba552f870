import { once } from 'node:events'
import { createServer } from 'node:net'

/** Fails if one of the TCP ports is taken, at whatever address of this machine. */
export async function refusePortsInUse(ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    const server = createServer()
    try {
      server.listen(port, '0.0.0.0')
      await once(server, 'listening')
    } catch (error) {
      throw new Error(`port ${port} is in use: choose others with --port-base`, { cause: error })
    }
    server.close()
    await once(server, 'close')
  }
}
