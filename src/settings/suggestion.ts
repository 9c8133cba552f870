/**
 * The candidate that a mistyped word was most likely meant to be, or undefined where none is near:
 * at most two edits apart (one for words of up to three letters), or equal but for case.
 */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase()
  let best: string | undefined
  let bestDistance = (word.length <= 3 ? 1 : 2) + 1
  for (const candidate of candidates) {
    const distance = editDistance(wanted, candidate.toLowerCase())
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
          ? beforePrevious[j - 2]! + 1
          : Infinity
      row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, replaced, swapped))
    }
    beforePrevious = previous
    previous = row
  }
  return previous[b.length]!
}
