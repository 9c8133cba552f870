import { existsSync } from 'node:fs'
import { readdir, readFile, rmdir } from 'node:fs/promises'
import { join } from 'node:path'

const mountPoint = '/sys/fs/cgroup'

/** The cgroup of every container that containerd's state knows of, as `/k8s.io/<id>`. */
export async function cgroupsOfContainers(containerdRoot: string): Promise<string[]> {
  const bundles = join(containerdRoot, 'state', 'io.containerd.runtime.v2.task', 'k8s.io')
  if (!existsSync(bundles)) return []
  const found: string[] = []
  for (const id of await readdir(bundles)) {
    const text = await readFile(join(bundles, id, 'config.json'), 'utf8').catch(() => '{}')
    const path = (JSON.parse(text) as { linux?: { cgroupsPath?: string } }).linux?.cgroupsPath
    if (path) found.push(path)
  }
  return found
}

/**
 * Removes cgroups whose processes are gone. The hierarchies of version 1 are folders side by side;
 * version 2 is one hierarchy, at the mount point itself.
 */
export async function removeCgroups(paths: readonly string[]): Promise<void> {
  const hierarchies = await readdir(mountPoint).catch(() => [])
  const roots = [mountPoint, ...hierarchies.map((name) => join(mountPoint, name))]
  const parents = new Set(paths.map((path) => join(path, '..')).filter((path) => path !== '/'))
  for (const root of roots) {
    // a parent that another cluster uses is not empty and stays
    for (const path of [...paths, ...parents]) {
      await rmdir(join(root, path)).catch(() => undefined)
    }
  }
}
