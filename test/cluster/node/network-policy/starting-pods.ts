import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** A pod that has its network, and whose containers wait until `release` is called. */
export interface StartingPod {
  readonly uid: string
  readonly address: string
  release(): Promise<void>
}

/** What the node's CNI plugin (policed-bridge.sh) waits for. */
export async function startingPods(folder: string): Promise<StartingPod[]> {
  const files = (await readdir(folder)).filter((file) => !file.endsWith('.new'))
  const read = files.map(async (file) => {
    const path = join(folder, file)
    // one that is gone has waited in vain
    const text = await readFile(path, 'utf8').catch(() => undefined)
    if (text === undefined) return []
    return [{ ...parse(text), release: () => rm(path, { force: true }) }]
  })
  return (await Promise.all(read)).flat()
}

/** The arguments of the container runtime, and after them the result of the bridge plugin. */
function parse(text: string): { uid: string; address: string } {
  const end = text.indexOf('\n')
  const uid = /(?:^|;)K8S_POD_UID=([^;]+)/.exec(text.slice(0, end))?.[1]
  const { ips } = JSON.parse(text.slice(end)) as { ips?: readonly { address: string }[] }
  const address = ips?.[0]?.address.split('/')[0]
  if (!uid || !address) throw new Error(`not what the CNI plugin writes: ${text}`)
  return { uid, address }
}
