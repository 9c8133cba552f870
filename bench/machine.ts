import { execFile } from 'node:child_process'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { promisify } from 'node:util'

/** What figures depend on, and without which they say little. */
export interface Machine {
  readonly cpu: string
  readonly cpus: number
  readonly memoryGib: number
  readonly node: string
  readonly redis: string
  /** Processes that wanted a CPU in the last minute: what else went on here before the run. */
  readonly load: number
}

export async function describeMachine(): Promise<Machine> {
  const { stdout } = await promisify(execFile)('redis-server', ['--version'])
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown CPU',
    cpus: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    redis: /\bv=(\S+)/.exec(stdout)?.[1] ?? 'unknown',
    load: loadavg()[0] ?? 0,
  }
}

export function machineLine({ cpu, cpus, memoryGib, node, redis, load }: Machine): string {
  const line = `${cpus} × ${cpu}, ${memoryGib} GiB, Node ${node}, Redis ${redis}, load ${load.toFixed(1)}`
  return load < 0.5 ? line : `${line} (not quiet: trust the ratios more than the figures)`
}
