import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { createApiServer, type ApiServer } from './api-server.ts'
import { run } from './support/command.ts'
import { findGo } from './support/go.ts'
import { ensurePrograms } from './support/programs.ts'
import { silent } from './support/progress.ts'
import { waitUntil } from './support/wait-until.ts'

/** Definitions by their projects' own files, which their Go modules hold. */
const definitions = [
  {
    module: 'sigs.k8s.io/gateway-api@v1.4.1',
    file: 'config/crd/standard/gateway.networking.k8s.io_httproutes.yaml',
  },
  {
    module: 'github.com/kedacore/keda/v2@v2.21.0',
    file: 'config/crd/bases/keda.sh_scaledobjects.yaml',
  },
  {
    module: 'github.com/prometheus-operator/prometheus-operator@v0.85.0',
    file: 'example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml',
  },
  ...['task', 'pipeline'].map((kind) => ({
    module: 'github.com/tektoncd/pipeline@v1.9.0',
    file: `config/300-crds/300-${kind}.yaml`,
  })),
]

export const definitionsPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

/**
 * Makes the cluster know HTTPRoutes, ScaledObjects, ServiceMonitors, Tasks and Pipelines, as far as their schemas go:
 * nothing acts on them.
 */
export async function ensureCustomResources(adminKubeconfig: string): Promise<void> {
  const api = createApiServer(adminKubeconfig)
  await ensurePrograms(['go'], silent)
  const go = await findGo(silent)
  for (const { module, file } of definitions) {
    const answer = await run(go, ['mod', 'download', '-json', module], { cwd: tmpdir() })
    const { Dir: folder } = JSON.parse(answer) as { Dir: string }
    for (const document of parseAllDocuments(await readFile(join(folder, file), 'utf8'))) {
      const definition = document.toJS() as Definition | null
      if (definition !== null) await ensureDefinition(api, unconverted(definition))
    }
  }
}

/** Without the conversion of older versions, for which a webhook would have to run. */
export const unconverted = ({ spec, ...rest }: Definition): Definition => ({
  ...rest,
  spec: { ...spec, conversion: undefined },
})

export interface Definition {
  readonly metadata: { readonly name: string }
  readonly spec: {
    readonly group: string
    readonly versions: readonly { readonly name: string }[]
    readonly conversion?: object | undefined
  }
}

/** Waits until the kind is served. One that is there stays as it is. */
export async function ensureDefinition(api: ApiServer, definition: Definition): Promise<void> {
  const { metadata, spec } = definition
  const made = await api.call('POST', definitionsPath, definition)
  if (made.status !== 201 && made.status !== 409) throw new Error(made.message)
  const served = `/apis/${spec.group}/${spec.versions.at(-1)?.name}`
  await waitUntil(`${metadata.name} to be served`, async () => {
    return (await api.call('GET', served)).status === 200
  })
}
