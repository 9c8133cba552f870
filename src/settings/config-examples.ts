import type { Path } from './yaml-file.ts'

/** What the items of a list of mappings begin with. */
const itemKeys: Readonly<Record<string, string>> = {
  repositories: 'match',
  registries: 'host',
  images: 'name',
  uploads: 'name',
  tolerations: 'key',
}

const mappings: Readonly<Record<string, string>> = {
  defaults: 'destination: registry.acme.io/{owner}/{repo}',
  cache: '{ enabled: true }',
  scan: '{ enabled: true }',
  database: '{ repository: registry.acme.io/mirror/trivy-db:2 }',
  paths: '{ include: [src/**] }',
  resources: '{ limits: { memory: 2Gi } }',
  requests: '{ memory: 2Gi }',
  limits: '{ memory: 2Gi }',
  buildArgs: '{ NAME: "value" }',
  labels: '{ name: "value" }',
  nodeSelector: '{ acme.io/pool: builds }',
  compression: '{ type: zstd }',
}

/**
 * What to write where kanihook.yaml must have a mapping, and `value` is none. `source`: a short value as it is written
 * in the file.
 */
export function mappingExample(path: Path, value: unknown, source: string | undefined): string {
  const last = path.at(-1)
  if (last === undefined) {
    return Array.isArray(value)
      ? 'write repositories: above the list'
      : 'write repositories: and below it a list: - match: …'
  }
  const key = typeof last === 'number' ? itemKeys[String(path.at(-2))] : undefined
  if (key !== undefined) return `write ${key}: ${typeof value === 'string' ? (source ?? '…') : '…'}`
  if (last === 'database' && typeof value === 'string') {
    return `write { repository: ${source ?? '…'} }`
  }
  if ((last === 'cache' || last === 'scan') && typeof value === 'boolean')
    return `write { enabled: ${value} }`
  return `write ${mappings[last] ?? 'key: value'}`
}

/** As above, where it must have a list. */
export function listExample(path: Path, value: unknown, source: string | undefined): string {
  const key = itemKeys[String(path.at(-1))]
  if (key !== undefined) return `write a list: - ${key}: …`
  if (typeof value === 'object' || source === undefined) return 'write a list: [a, b]'
  return typeof value === 'string' ? `write [${source}]` : `write ["${source}"]`
}
