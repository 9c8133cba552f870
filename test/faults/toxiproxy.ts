import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Progress } from '../cluster/support/progress.ts'
import { ensureTool } from '../cluster/tools.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'

/** A line between kanihook and what it speaks to, which can be slow and cut. */
export interface Line {
  /** Where kanihook connects to, on 127.0.0.1. */
  readonly port: number
  /** Delays whatever the other side says, by about so many milliseconds, until the wait is over. */
  slow(ms: number, wait: () => Promise<void>): Promise<void>
  /** Closes every connection and refuses new ones until the wait is over. */
  cut(wait: () => Promise<void>): Promise<void>
}

export interface Toxiproxy {
  /** A line to a port of this machine. */
  line(name: string, port: number): Promise<Line>
  stop(): Promise<void>
}

export async function startToxiproxy(onProgress: Progress): Promise<Toxiproxy> {
  const program = await ensureTool('toxiproxy', { onProgress })
  const control = await freePort()
  const child = spawn(program, ['-host', '127.0.0.1', '-port', `${control}`], { stdio: 'ignore' })
  const api = async (method: string, path: string, body?: object): Promise<void> => {
    const init = body === undefined ? {} : { body: JSON.stringify(body) }
    const response = await fetch(`http://127.0.0.1:${control}${path}`, { method, ...init })
    if (!response.ok) throw new Error(`toxiproxy ${path}: ${await response.text()}`)
    await response.text()
  }
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  try {
    await eventually(() => api('GET', '/version').then(() => true), { what: 'toxiproxy answers' })
  } catch (error) {
    await stop()
    throw error
  }
  return {
    stop,
    async line(name, upstream) {
      const port = await freePort()
      const listen = `127.0.0.1:${port}`
      await api('POST', '/proxies', { name, listen, upstream: `127.0.0.1:${upstream}` })
      return {
        port,
        async slow(latency, wait) {
          const attributes = { latency, jitter: Math.round(latency / 2) }
          const toxic = { name: 'slow', type: 'latency', stream: 'downstream', attributes }
          await api('POST', `/proxies/${name}/toxics`, toxic)
          await wait()
          await api('DELETE', `/proxies/${name}/toxics/slow`)
        },
        async cut(wait) {
          await api('POST', `/proxies/${name}`, { enabled: false })
          await wait()
          await api('POST', `/proxies/${name}`, { enabled: true })
        },
      }
    },
  }
}
