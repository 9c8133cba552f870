import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestCluster } from './test-cluster.ts'
import type { ResolvedOptions } from './options.ts'
import type { ProviderName } from './provider.ts'

/** How a cluster was brought up, so that it is taken down by the same options. */
export interface StateRecord {
  readonly provider: ProviderName
  readonly options: ResolvedOptions
  /** Of a cluster that was there before. */
  readonly kubeconfig?: string
}

const recordFile = 'options.json'
const clusterFile = 'cluster.json'

/** The folder of one cluster. It is a cluster's, and may be removed, only if it holds a record. */
export function createState(directory: string) {
  function read(file: string): unknown {
    const path = join(directory, file)
    return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined
  }

  async function write(file: string, value: unknown): Promise<void> {
    await writeFile(join(directory, file), JSON.stringify(value, undefined, 2), { mode: 0o600 })
  }

  async function create(record: StateRecord): Promise<void> {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    if ((await readdir(directory)).length > 0) {
      throw new Error(
        `${directory} is not empty and not of a test cluster: use another --state-dir`,
      )
    }
    await write(recordFile, record)
  }

  async function remove(): Promise<void> {
    const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n')
    const inside = mounts.filter((line) => line.split(' ')[1]?.startsWith(`${directory}/`))
    if (inside.length > 0) {
      throw new Error(`not removing ${directory}, in which is mounted:\n${inside.join('\n')}`)
    }
    await rm(directory, { recursive: true, force: true })
  }

  return {
    create,
    remove,
    record: () => read(recordFile) as StateRecord | undefined,
    cluster: () => read(clusterFile) as TestCluster | undefined,
    saveCluster: async (cluster: TestCluster) => await write(clusterFile, cluster),
  }
}
