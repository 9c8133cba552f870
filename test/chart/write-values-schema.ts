import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jsonSchema } from '../../src/settings/json-schema.ts'

/** The schema of the chart's values with the rules of kanihook.yaml as the code has them. */
export function valuesSchema(schema: object): object {
  const { $schema: _, ...kanihookYaml } = jsonSchema() as Record<string, unknown>
  const { definitions } = schema as { definitions?: object }
  return { ...schema, definitions: { ...definitions, kanihookYaml } }
}

/** `node test/chart/write-values-schema.ts`: writes it anew after config-schema.ts changed. */
if (import.meta.main) {
  const file = join(import.meta.dirname, '../../charts/kanihook/values.schema.json')
  const schema = valuesSchema(JSON.parse(readFileSync(file, 'utf8')) as object)
  writeFileSync(file, `${JSON.stringify(schema, undefined, 2)}\n`)
}
