import { it } from 'node:test'
import { join } from 'node:path'
import { existsSync, readdirSync } from 'node:fs'
import { cacheDirectory } from '../cluster/tools.ts'
import { clusterContract } from './cluster.ts'
import { missingForProcesses, processCluster } from './cluster/processes.ts'
import { scriptedCluster } from './cluster/scripted.ts'

clusterContract('the stand-in cluster, scripted', scriptedCluster)

const executor = process.env['KANIKO_EXECUTOR'] ?? builtExecutor()
const missing = missingForProcesses(executor)
if (executor !== undefined && missing.length === 0) {
  clusterContract('the stand-in cluster with real clones and builds', () =>
    processCluster(executor),
  )
} else {
  it(`real clones and builds are not tried: this machine lacks ${missing.join(', ')}`, () => {})
}

/** Where the test cluster keeps what it has built. */
function builtExecutor(): string | undefined {
  const folder = cacheDirectory()
  const names = existsSync(folder) ? readdirSync(folder) : []
  const kaniko = names.find((name) => existsSync(join(folder, name, 'kaniko')))
  return kaniko && join(folder, kaniko, 'kaniko')
}
