import type { CoreV1Api } from '@kubernetes/client-node'
import { orAbsent } from '../../../src/cluster/api-call.ts'
import { eventually } from '../../support/eventually.ts'

/** Removes namespaces, as far as they are there, and waits until they are gone. */
export async function removeNamespaces(core: CoreV1Api, names: readonly string[]): Promise<void> {
  for (const name of names) await orAbsent(core.deleteNamespace({ name }))
  for (const name of names) {
    await eventually(async () => (await orAbsent(core.readNamespace({ name }))) === undefined, {
      within: 90_000,
      every: 250,
      what: `the namespace ${name} is gone`,
    })
  }
}
