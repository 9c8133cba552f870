import { writeFileSync } from 'node:fs'
import { jsonSchemaText } from './json-schema.ts'

/** `node src/settings/write-json-schema.ts`: writes the schema anew after config-schema.ts changed. */
writeFileSync(new URL('../../schema/kanihook.schema.json', import.meta.url), jsonSchemaText())
