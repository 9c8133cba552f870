import { delimiter } from 'node:path'
import { canRunKind } from '../test/cluster/kind-cluster.ts'
import { resolveOptions } from '../test/cluster/options.ts'
import { succeeds } from '../test/cluster/support/command.ts'
import type { Cleanup } from './cleanup.ts'
import { chooseMode, type Machine } from './mode.ts'
import type { Options } from './options.ts'
import type { Printer } from './printer.ts'
import { programsOf, providePrograms } from './programs.ts'
import { realCluster } from './surroundings/real-cluster.ts'
import { standInThatBuilds, standInThatSimulates } from './surroundings/stand-in.ts'
import type { Surroundings } from './surroundings/surroundings.ts'

export interface PrepareOptions {
  readonly options: Options
  readonly printer: Printer
  readonly cleanup: Cleanup
  readonly signal: AbortSignal
  /** For everything that is written. */
  readonly folder: string
}

/** Chooses where builds run and brings up everything around kanihook. */
export async function prepare(demo: PrepareOptions): Promise<Surroundings> {
  const { options, printer, cleanup, signal, folder } = demo
  const progress = (message: string): void => printer.progress(message)
  const { mode, notes } = chooseMode(options.asked, await thisMachine(options))
  for (const note of notes) printer.text(note, 'yellow')
  await providePrograms(programsOf[mode], progress)
  signal.throwIfAborted()
  if (mode === 'cluster') {
    return await realCluster({ ...options.cluster, onProgress: progress }, cleanup)
  }
  const onWebhookRefused = (why: string): void =>
    printer.step({ label: 'webhook', text: `not taken: ${why}`, style: 'red' })
  const standIn = { folder, cleanup, progress, signal, onWebhookRefused }
  return mode === 'processes'
    ? await standInThatBuilds(standIn)
    : await standInThatSimulates(standIn)
}

/** The namespaces in which the stand-in runs pods, and a mount in them. */
const isolated = ['--mount', '--pid', '--ipc', '--uts', '--fork', '--mount-proc', 'true']

async function thisMachine({ asked, cluster }: Options): Promise<Machine> {
  const [kubeconfig] = (process.env['KUBECONFIG'] ?? '').split(delimiter)
  const { stateDir, hostAddress } = resolveOptions(cluster)
  return {
    platform: process.platform,
    isRoot: process.getuid?.() === 0,
    canIsolate: await succeeds('unshare', isolated),
    kubeconfig,
    isTestCluster: kubeconfig?.startsWith(`${stateDir}/`) ?? false,
    hostAddress,
    hasKind: asked === undefined && (await canRunKind()),
  }
}
