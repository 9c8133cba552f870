import { it } from 'node:test'
import { keptCrane, keptKaniko } from '../cluster/tools.ts'
import { clusterContract } from './cluster.ts'
import { missingForProcesses, processCluster } from './cluster/processes.ts'
import { scriptedCluster } from './cluster/scripted.ts'

clusterContract('the stand-in cluster, scripted', scriptedCluster)

const executor = process.env['KANIKO_EXECUTOR'] ?? keptKaniko()
const missing = missingForProcesses(executor)
if (executor !== undefined && missing.length === 0) {
  clusterContract('the stand-in cluster with real clones and builds', () =>
    processCluster(executor, keptCrane()),
  )
} else {
  it(`real clones and builds are not tried: this machine lacks ${missing.join(', ')}`, () => {})
}
