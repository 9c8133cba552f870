import { chmod, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './command.ts'
import type { Progress } from './progress.ts'

/** The Go that an older one fetches; any later one would do. */
const goVersion = '1.26.8'

const architectures: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', arm64: 'arm64' }

/** This machine's architecture as Go, Debian and image registries name it. */
export function goArchitecture(): string {
  const name = architectures[process.arch]
  if (name === undefined) throw new Error(`no test cluster for the architecture ${process.arch}`)
  return name
}

/**
 * The `go` command to build with. From 1.21 on, Go fetches the toolchain that a module asks for by
 * itself; for an older one (Debian's) the same module is fetched here, checked by Go against the
 * public checksum database.
 */
export async function findGo(progress: Progress): Promise<string> {
  const version = (await run('go', ['env', 'GOVERSION'], { cwd: tmpdir() })).trim()
  const minor = Number(/^go1\.(\d+)/.exec(version)?.[1] ?? 0)
  if (minor >= 21) return 'go'
  progress(`this machine's Go is ${version}: fetching ${goVersion} through the Go module proxy`)
  const toolchain = `golang.org/toolchain@v0.0.1-go${goVersion}.linux-${goArchitecture()}`
  const answer = await run('go', ['mod', 'download', '-json', toolchain], { cwd: tmpdir() })
  const { Dir: directory } = JSON.parse(answer) as { Dir: string }
  await makeExecutable(directory)
  return join(directory, 'bin', 'go')
}

/** A module's files carry no modes; Go 1.21 and later do the same to the toolchains they fetch. */
async function makeExecutable(toolchain: string): Promise<void> {
  for (const folder of ['bin', 'pkg/tool']) {
    const entries = await readdir(join(toolchain, folder), { recursive: true, withFileTypes: true })
    for (const entry of entries) {
      if (entry.isFile()) await chmod(join(entry.parentPath, entry.name), 0o755)
    }
  }
}
