/** Resolves when what it names is reachable, rejects when it is not. */
export type ReadinessCheck = () => Promise<void>

const checkMs = 2_000

/** The names of the checks that did not succeed within two seconds; all run at once. */
export async function unreachable(
  checks: ReadonlyMap<string, ReadinessCheck>,
): Promise<readonly string[]> {
  const results = await Promise.all(
    [...checks].map(async ([name, check]) => ((await succeeds(check)) ? [] : [name])),
  )
  return results.flat()
}

async function succeeds(check: ReadinessCheck): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(resolve, checkMs, false)
  try {
    return await Promise.race([check().then(() => true), late])
  } catch {
    return false
  } finally {
    clearTimeout(timer)
  }
}
