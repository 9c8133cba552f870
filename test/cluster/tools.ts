import { createHash } from 'node:crypto'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { copyFile, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { run } from './support/command.ts'
import { findGo, goArchitecture } from './support/go.ts'
import { withLock } from './support/lock.ts'
import { ensurePrograms } from './support/programs.ts'
import { silent, withHeartbeat, type Progress } from './support/progress.ts'

interface Tool {
  readonly title: string
  /** The Go module that holds it, and its version. */
  readonly module: string
  readonly version: string
  /** What is built: a package of that module, several commands of it, or a source file of this folder. */
  readonly source:
    | { readonly package: string }
    | { readonly commands: readonly string[] }
    | { readonly file: string }
  readonly cgo?: boolean
  readonly tags?: string
  /** What the module wants of Go beyond what its version does by itself. */
  readonly experiment?: string
  /** Values for the linker: package variable → string. */
  readonly variables?: Readonly<Record<string, string>>
  /** The version of modules that the module itself replaces by its own folders. */
  readonly stagingVersion?: string
  /** Folders of the module that are needed at run time, copied beside the binary. */
  readonly data?: readonly string[]
  /** Minutes on two cores with cold caches, for a person who waits. */
  readonly minutes: number
}

const tools = {
  kaniko: {
    title: 'the Kaniko executor',
    module: 'github.com/GoogleContainerTools/kaniko',
    version: 'v1.24.0',
    source: { package: 'github.com/GoogleContainerTools/kaniko/cmd/executor' },
    minutes: 3,
  },
  kubernetes: {
    title: 'Kubernetes',
    module: 'k8s.io/kubernetes',
    version: 'v1.36.2',
    source: { file: 'kube/main.go' },
    stagingVersion: 'v0.36.2',
    variables: {
      'k8s.io/component-base/version.gitVersion': 'v1.36.2',
      'k8s.io/component-base/version.gitMajor': '1',
      'k8s.io/component-base/version.gitMinor': '36',
    },
    minutes: 9,
  },
  coredns: {
    title: 'CoreDNS',
    module: 'github.com/coredns/coredns',
    version: 'v1.15.0',
    source: { file: 'coredns/main.go' },
    minutes: 3,
  },
  gitea: {
    title: 'Gitea',
    module: 'code.gitea.io/gitea',
    version: 'v1.26.0',
    source: { package: 'code.gitea.io/gitea' },
    cgo: true, // for SQLite
    tags: 'sqlite sqlite_unlock_notify',
    variables: { 'main.Version': '1.26.0' },
    data: ['options', 'public', 'templates'],
    minutes: 6,
  },
  helm: {
    title: 'Helm',
    module: 'helm.sh/helm/v4',
    version: 'v4.3.1',
    source: { package: 'helm.sh/helm/v4/cmd/helm' },
    variables: { 'helm.sh/helm/v4/internal/version.version': 'v4.3.1' },
    minutes: 5,
  },
  tekton: {
    title: 'Tekton',
    module: 'github.com/tektoncd/pipeline',
    version: 'v1.9.0',
    source: {
      commands: ['controller', 'entrypoint', 'nop', 'sidecarlogresults', 'workingdirinit'].map(
        (command) => `github.com/tektoncd/pipeline/cmd/${command}`,
      ),
    },
    data: ['config'],
    minutes: 8,
  },
  kwok: {
    title: 'kwok',
    module: 'sigs.k8s.io/kwok',
    version: 'v0.8.0',
    source: { package: 'sigs.k8s.io/kwok/cmd/kwok' },
    minutes: 3,
  },
  toxiproxy: {
    title: 'toxiproxy',
    module: 'github.com/Shopify/toxiproxy/v2',
    version: 'v2.5.0',
    source: { package: 'github.com/Shopify/toxiproxy/v2/cmd/server' },
    minutes: 1,
  },
  crane: {
    title: 'crane',
    module: 'github.com/google/go-containerregistry',
    version: 'v0.22.1',
    source: { package: 'github.com/google/go-containerregistry/cmd/crane' },
    minutes: 1,
  },
  trivy: {
    title: 'Trivy',
    module: 'github.com/aquasecurity/trivy',
    version: 'v0.74.0',
    source: { package: 'github.com/aquasecurity/trivy/cmd/trivy' },
    experiment: 'jsonv2',
    minutes: 12,
  },
  vulnerabilityDb: {
    title: 'the writer of vulnerability databases',
    module: 'go.etcd.io/bbolt',
    version: 'v1.4.3',
    source: { file: 'vulnerability-db/main.go' },
    minutes: 1,
  },
} as const satisfies Record<string, Tool>

export type ToolName = keyof typeof tools

/** Where everything that takes long to make is kept from run to run, outside the checkout. */
export function cacheDirectory(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'kanihook')
}

/**
 * The path of a tool's executable (of several commands: the first), built from its Go module unless this version was built before.
 * Runs at the same time, in whatever process, build it once. The folder that holds it is the tool's
 * own, with the data that it needs at run time.
 */
export async function ensureTool(
  name: ToolName,
  { onProgress = silent }: { readonly onProgress?: Progress } = {},
): Promise<string> {
  const tool: Tool = tools[name]
  const folder = `${name}-${tool.version}${ownSource(tool)}-${goArchitecture()}`
  const target = join(cacheDirectory(), folder)
  const executable = join(target, executableOf(name, tool))
  if (existsSync(executable)) return executable
  const build = async () => {
    if (existsSync(executable)) return
    const label = `building ${tool.title} ${tool.version} (about ${tool.minutes} min the first time)`
    await withHeartbeat(onProgress, label, () => buildInto(target, name, tool, onProgress))
  }
  await withLock(target, build, () =>
    onProgress(`waiting for another run's build of ${tool.title}`),
  )
  return executable
}

const executableOf = (name: string, { source }: Tool): string =>
  'commands' in source ? basename(source.commands[0] ?? name) : name

/** Changes with the source file of this folder that is built, if it is one. */
function ownSource({ source }: Tool): string {
  if (!('file' in source)) return ''
  const text = readFileSync(join(import.meta.dirname, source.file))
  return `-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`
}

/**
 * Builds beside the target and moves the whole folder there at once: it is complete or absent. The
 * caller's lock makes the place beside it this run's alone, whatever an interrupted one left there.
 */
async function buildInto(target: string, name: string, tool: Tool, progress: Progress) {
  await ensurePrograms(tool.cgo ? ['go', 'gcc'] : ['go'], progress)
  const go = await findGo(progress)
  const work = `${target}.partial`
  const result = join(work, 'result')
  const env = {
    ...process.env,
    CGO_ENABLED: tool.cgo ? '1' : '0',
    GOTOOLCHAIN: 'auto',
    GOWORK: 'off',
    ...(tool.experiment && { GOEXPERIMENT: tool.experiment }),
  }
  const goRun = async (...args: string[]) => await run(go, args, { cwd: work, env })
  try {
    await rm(work, { recursive: true, force: true })
    await mkdir(result, { recursive: true })
    const download = await goRun('mod', 'download', '-json', `${tool.module}@${tool.version}`)
    const { GoMod, Dir } = JSON.parse(download) as { GoMod: string; Dir: string }
    const upstream = JSON.parse(await goRun('mod', 'edit', '-json', GoMod)) as GoModule
    await writeFile(join(work, 'go.mod'), moduleFile(tool, upstream))
    // Without the module's own sums, Go would ask for those of what it does not build, too.
    await writeFile(join(work, 'go.sum'), await readFile(join(Dir, 'go.sum')))
    if ('file' in tool.source) {
      await copyFile(join(import.meta.dirname, tool.source.file), join(work, 'main.go'))
    }
    const variables = Object.entries(tool.variables ?? {})
    const ldflags = ['-s', '-w', ...variables.map(([key, value]) => `-X ${key}=${value}`)].join(' ')
    const what = packagesOf(tool)
    const tags = tool.tags ? ['-tags', tool.tags] : []
    const flags = ['-mod=mod', '-trimpath', '-buildvcs=false', ...tags, '-ldflags', ldflags]
    const output = 'commands' in tool.source ? `${result}/` : join(result, name)
    await goRun('build', ...flags, '-o', output, ...what)
    for (const data of tool.data ?? []) {
      await cp(join(Dir, data), join(result, data), { recursive: true })
      await run('chmod', ['-R', 'u+w', join(result, data)]) // modules are kept read-only
    }
    await rm(target, { recursive: true, force: true })
    await rename(result, target)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

function packagesOf({ source }: Tool): readonly string[] {
  if ('file' in source) return ['.']
  return 'commands' in source ? source.commands : [source.package]
}

/** What `go mod edit -json` says of a module, as far as it is used here. */
interface GoModule {
  readonly Go: string
  readonly Replace?: readonly { readonly Old: GoPath; readonly New: GoPath }[] | null
}
interface GoPath {
  readonly Path: string
  readonly Version?: string
}

/**
 * A main module that requires the tool's module. Go heeds `replace` only in the main module, so the
 * tool's own replacements are carried over; its own folders become their published versions.
 */
function moduleFile(tool: Tool, upstream: GoModule): string {
  const replaced = (upstream.Replace ?? []).map(({ Old, New }) => {
    const isFolder = New.Path.startsWith('./')
    const by = isFolder ? `${Old.Path} ${tool.stagingVersion}` : words(New)
    return `replace ${words(Old)} => ${by}`
  })
  return [
    'module kanihook.test/tool',
    `go ${upstream.Go}`,
    `require ${tool.module} ${tool.version}`,
    ...replaced,
    '',
  ].join('\n')
}

function words({ Path, Version }: GoPath): string {
  return Version ? `${Path} ${Version}` : Path
}

/** A crane that was built before; undefined: none was. */
export function keptCrane(): string | undefined {
  return globSync(join(cacheDirectory(), `crane-v*-${goArchitecture()}/crane`))[0]
}

/** A Kaniko executor that was built, or taken from its published image, before; undefined: none was. */
export function keptKaniko(): string | undefined {
  return globSync(join(cacheDirectory(), `{kaniko-v*-${goArchitecture()}/kaniko,*/executor}`))[0]
}
