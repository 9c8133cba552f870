import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'

/** The processes of a container, as this machine sees them. */
export function processesOf(containerId: string): number[] {
  const id = containerId.replace('containerd://', '')
  assert.match(id, /^[0-9a-f]{64}$/)
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(id)
    } catch {
      return false
    }
  })
}
