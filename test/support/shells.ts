import { spawnSync } from 'node:child_process'

/** What scripts for small images are tried in: this machine's sh, and busybox' where it is there. */
export const shells: readonly (readonly [string, ...string[]])[] = [
  ['sh'],
  ...(spawnSync('busybox', ['sh', '-c', '']).status === 0 ? [['busybox', 'sh'] as const] : []),
]
