import { percentRange, range, table } from '../table.ts'
import type { BuildsResult, Span } from './results.ts'

export function buildsTable({ builds, kanihook, bare, against }: BuildsResult): string {
  return [
    `builds: ${builds} pushes and ${builds} bare Jobs, one at a time, in turns; median (min–max)`,
    '',
    table(['kanihook', 'ms'], kanihook.map(row)),
    '',
    table(['bare Job', 'ms'], bare.map(row)),
    '',
    table(
      ['kanihook against the bare Job', 'ms more', 'ratio'],
      against.map(({ kanihook, bare, moreMs, ratio }) => [
        `${kanihook}, against ${bare}`,
        range(moreMs),
        percentRange(ratio),
      ]),
    ),
  ].join('\n')
}

const row = ({ name, ms }: Span): string[] => [name, range(ms)]
