import { writeFileSync } from 'node:fs'
import { jsonSchemas } from './json-schema.ts'

/** `node src/settings/write-json-schema.ts`: writes the schemas anew after one in this folder changed. */
for (const [name, schema] of Object.entries(jsonSchemas)) {
  const text = `${JSON.stringify(schema(), null, 2)}\n`
  writeFileSync(new URL(`../../schema/${name}`, import.meta.url), text)
}
