import type { AcceptsResult, Side } from '../accepts.ts'
import type { Summary } from '../statistics.ts'
import { percentRange, range, table } from '../table.ts'

export function acceptsTable(result: AcceptsResult): string {
  const { payloadBytes, connections, burst, rounds, requests, variants } = result
  const kilobytes = (payloadBytes / 1000).toFixed(1)
  const [without] = variants
  const rates = variants.map(({ persistence, bare, kanihook, ratio }) => [
    persistence,
    range(bare.perSecond),
    range(kanihook.perSecond),
    percentRange(ratio),
    without ? `${Math.round((ratio.median / without.ratio.median) * 100)} %` : '',
  ])
  const bursts = variants.map((variant) => [
    variant.persistence,
    range(variant.burst.medianMs),
    range(variant.burst.p99Ms),
  ])
  const costs = variants.flatMap(({ persistence, bare, kanihook, redisCpuMicros }) => [
    [`${persistence}: bare`, ...cost(bare)],
    [`${persistence}: kanihook`, ...cost(kanihook)],
    [`${persistence}: its Redis`, '', '', micros(redisCpuMicros)],
  ])
  return [
    `accepts: 202s per second for a signed GitHub push of ${kilobytes} kB, ${connections} connections,`,
    `median (min–max) of ${rounds} rounds of ${requests} requests to each, in turns`,
    '',
    table(
      ['Redis', 'bare server, stores nothing', 'kanihook, stored', 'ratio', 'to no AOF'],
      rates,
    ),
    '',
    table(['', 'median ms', '99th percentile ms', 'CPU µs per request'], costs),
    '',
    `${burst} deliveries at one moment, each over a connection of its own: ms until answered, since the first`,
    '',
    table(['Redis', 'median ms', '99th percentile ms'], bursts),
  ].join('\n')
}

const cost = ({ medianMs, p99Ms, cpuMicros }: Side): string[] => [
  range(medianMs, 1),
  range(p99Ms, 1),
  micros(cpuMicros),
]

const micros = (summary: Summary | undefined): string => (summary ? range(summary) : '?')
