import { readFile } from 'node:fs/promises'

/** What Linux counts in, whatever the machine: `getconf CLK_TCK`. */
const ticksPerSecond = 100

/**
 * Seconds of CPU that a process has used so far, all threads together (proc_pid_stat(5), utime and
 * stime). NaN where there is no /proc.
 */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (stat === undefined) return NaN
  // The second field is the program's name, which may hold anything up to the last parenthesis.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}
