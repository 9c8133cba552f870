/** What is told of a series of measurements. */
export interface Summary {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly count: number
}

/** Throws RangeError where there is nothing to summarise. */
export function summarise(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b)
  const [min] = sorted
  const max = sorted.at(-1)
  if (min === undefined || max === undefined) throw new RangeError('no measurements')
  return { median: quantile(sorted, 0.5), min, max, count: sorted.length }
}

/** The value below which a share (0 to 1) of the sorted values lies, between two where it falls there. */
export function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share
  const below = sorted[Math.floor(at)]
  const above = sorted[Math.ceil(at)]
  if (below === undefined || above === undefined) throw new RangeError('no measurements')
  return below + (above - below) * (at - Math.floor(at))
}

/** Each measurement divided by the one of the baseline in the same round: what both suffered drops out. */
export function ratios(values: readonly number[], baseline: readonly number[]): Summary {
  return summarise(pairs(values, baseline).map(([value, base]) => value / base))
}

/** The same by subtraction. */
export function differences(values: readonly number[], baseline: readonly number[]): Summary {
  return summarise(pairs(values, baseline).map(([value, base]) => value - base))
}

function pairs(values: readonly number[], baseline: readonly number[]): [number, number][] {
  if (values.length !== baseline.length) throw new RangeError('not the same number of rounds')
  return values.map((value, round) => [value, baseline[round] ?? NaN])
}
