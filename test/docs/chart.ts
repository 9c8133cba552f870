import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseAllDocuments, stringify } from 'yaml'
import { run } from '../cluster/support/command.ts'
import { createProgress } from '../cluster/support/progress.ts'
import { ensureTool } from '../cluster/tools.ts'
import { root } from './markdown.ts'

/** A Kubernetes object, as far as it is looked at here. */
export interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly data?: Readonly<Record<string, string>>
}

/** Renders the chart of this repository by the real Helm, as `helm install` would. */
export async function createChart(): Promise<{
  /** `values` as one file, `options` as on the command line. Throws with what Helm says. */
  render(values: object, options?: readonly string[]): Promise<Manifest[]>
}> {
  const helm = await ensureTool('helm', {
    onProgress: createProgress((line) => process.stderr.write(line)),
  })
  return {
    async render(values, options = []) {
      const folder = await mkdtemp(join(tmpdir(), 'kanihook-docs-'))
      try {
        const file = join(folder, 'values.yaml')
        await writeFile(file, stringify(values))
        const chart = join(root, 'charts/kanihook')
        const fixed = ['--namespace', 'kanihook', '--api-versions', 'monitoring.coreos.com/v1']
        const args = ['template', 'kanihook', chart, ...fixed, '--values', file, ...options]
        const output = await run(helm, args)
        return parseAllDocuments(output)
          .map((document) => document.toJS() as Manifest | null)
          .filter((manifest) => manifest !== null)
      } finally {
        await rm(folder, { recursive: true })
      }
    },
  }
}

interface Values {
  readonly publicUrl?: string
  readonly config?: object
  readonly redis?: object
  readonly forges?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** What an example leaves out, because the page has said it before or the reader knows it. */
export function completed(example: Values): object {
  const secret = { value: 'an example of a secret' }
  const forges = Object.entries(example.forges ?? { gitea: { url: 'https://git.acme.io' } })
  return {
    publicUrl: 'https://kanihook.example.com',
    config: {
      repositories: [{ match: 'github.com/acme/*', destination: 'registry.acme.io/acme/{repo}' }],
    },
    redis: { bundled: { enabled: true } },
    ...example,
    forges: Object.fromEntries(
      forges.map(([name, forge]) => [
        name,
        { webhookSecrets: secret, ...('app' in forge ? {} : { token: secret }), ...forge },
      ]),
    ),
  }
}
