import { percentRange, range, table } from '../table.ts'
import type { CacheResult } from './results.ts'

const words = { off: 'off', on: 'on', copyLayers: 'on, copyLayers' } as const

export function cacheTable({ rounds, kinds }: CacheResult): string {
  const rows = kinds.map(({ cache, first, unchanged, changed }) => [
    words[cache],
    range(first),
    percentRange(unchanged),
    percentRange(changed),
  ])
  return [
    `cache: ${rounds} rounds, what Kaniko takes; the second builds against the first; median (min–max)`,
    '',
    table(['cache', 'first, ms', 'unchanged', 'slightly changed'], rows),
  ].join('\n')
}
