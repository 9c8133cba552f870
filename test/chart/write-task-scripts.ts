import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cloneScript } from '../../src/cluster/clone-script.ts'
import { workspaceCheck } from '../../src/cluster/tekton/workspace-check.ts'

/** The scripts of kanihook's own builds that the chart's Task runs too, by their files in the chart. */
export const taskScripts = {
  'clone.sh': cloneScript,
  'workspace-check.sh': workspaceCheck,
} as const

/** `npm run schema` writes them anew after one of them changed. */
if (import.meta.main) {
  const folder = join(import.meta.dirname, '../../charts/kanihook/files')
  for (const [name, script] of Object.entries(taskScripts)) {
    writeFileSync(join(folder, name), script)
  }
}
