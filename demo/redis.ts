import { connect } from 'node:net'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { eventually } from '../test/support/eventually.ts'
import { freePort } from '../test/support/free-port.ts'
import { startService, type Service } from './service.ts'

/** A redis-server that only this machine reaches and that stores nothing but in memory. */
export async function startRedis(folder: string): Promise<{ url: string; service: Service }> {
  await mkdir(folder, { recursive: true })
  const port = await freePort()
  const listen = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder]
  const keep = ['--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction']
  const args = [...listen, ...keep, '--daemonize', 'no']
  const service = startService({ name: 'redis-server', command: 'redis-server', args })
  const answers = async () => {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect').finally(() => socket.destroy())
    return true
  }
  await Promise.race([eventually(answers, { what: 'redis-server answers' }), service.ended])
  return { url: `redis://127.0.0.1:${port}`, service }
}
