import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createBuildLog, createMask, omittedLines } from './build-log.ts'
import type { LogLine, LogStore } from './ports.ts'

describe('a secret', () => {
  const secret = 'p&ss"<w>\\rd'

  it('is masked in every form in which a line may hold it', () => {
    const mask = createMask([secret])
    const json = 'p\\u0026ss\\"\\u003cw\\u003e\\\\rd'
    for (const form of [
      secret,
      encodeURIComponent(secret),
      Buffer.from(secret).toString('base64'),
      `time="x" level=info msg="${secret.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`,
      `{"level":"info","msg":"${json}","time":"x"}`,
    ]) {
      const masked = mask(`it is ${form}!`)
      assert.ok(masked.includes('***'), form)
      assert.ok(!/p&ss|p\\u0026ss|p%26/.test(masked), masked)
    }
  })
})

it('of a long log the first and the last lines explain a failure, and the gap is marked', async () => {
  const written = 1_500
  async function* logs(): AsyncGenerator<LogLine> {
    for (let i = 0; i < written; i += 1) yield { container: 'build', time: `${i}`, text: `${i}` }
  }
  const stored: LogLine[] = []
  const store: LogStore = {
    append: async (_, lines) => void stored.push(...lines),
    lastTime: async () => undefined,
    read: async () => ({ lines: stored, dropped: 0 }),
  }
  const log = createBuildLog({
    cluster: { logs },
    store,
    buildId: 'b',
    job: 'j',
    mask: (text) => text,
    signal: new AbortController().signal,
  })
  const lines = await log.complete('build')
  log.close()
  const gap = lines.indexOf(omittedLines)
  assert.deepEqual([gap, lines.lastIndexOf(omittedLines)], [200, 200])
  assert.deepEqual(lines.slice(0, 200), [...Array(200).keys()].map(String))
  assert.deepEqual(
    [lines.length, lines[201], lines.at(-1)],
    [1_000, `${written - 799}`, `${written - 1}`],
  )
})
