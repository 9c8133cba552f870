import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { run } from '../../test/cluster/support/command.ts'

/** Each file is this long, in bytes, and does not compress: as source code would after that. */
const fileBytes = 1_024

/** How many files the repository has; each commit changes one of them. */
const files = 500

/**
 * Makes a bare repository of so many commits on `main` in a folder, by one `git fast-import`. Returns the id
 * of the newest commit.
 */
export async function makeManyCommits(
  folder: string,
  name: string,
  commits: number,
): Promise<string> {
  const repository = join(folder, name)
  await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', repository])
  const child = spawn('git', ['-C', repository, 'fast-import', '--quiet'], {
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  const exited = once(child, 'exit')
  await pipeline(Readable.from(history(commits)), child.stdin)
  const [code] = (await exited) as [number | null]
  if (code !== 0) throw new Error(`clone: git fast-import exited with ${code}`)
  return (await run('git', ['-C', repository, 'rev-parse', 'main'])).trim()
}

function* history(commits: number): Generator<string> {
  const random = pseudoRandom()
  for (let commit = 0; commit < commits; commit++) {
    const message = `commit ${commit}`
    yield `commit refs/heads/main\ncommitter Bench <bench@kanihook.test> ${1_700_000_000 + commit} +0000\n`
    yield `data ${message.length}\n${message}\n`
    if (commit === 0) yield change('Dockerfile', 'FROM scratch\nCOPY Dockerfile /\n')
    const file = `src/${commit % files}.txt`
    yield change(file, Array.from({ length: fileBytes / 8 }, random).join(''))
  }
}

const change = (path: string, content: string): string =>
  `M 100644 inline ${path}\ndata ${content.length}\n${content}\n`

/** Eight hex digits at a time, the same in each run (Marsaglia's xorshift). */
function pseudoRandom(): () => string {
  let state = 2_463_534_242
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0).toString(16).padStart(8, '0')
  }
}
