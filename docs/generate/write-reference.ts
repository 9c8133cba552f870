import { readFileSync, writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { jsonSchema, repositoryJsonSchema } from '../../src/settings/json-schema.ts'
import { reference } from './reference.ts'

const root = new URL('../../', import.meta.url)
const target = new URL('docs/configuration.md', root)

/** The text of docs/configuration.md as it should be now. */
export async function currentReference(): Promise<string> {
  const text = reference(
    jsonSchema(),
    repositoryJsonSchema(),
    readFileSync(new URL('.env.example', root), 'utf8'),
  )
  const options = await resolveConfig(target)
  return format(text, { ...options, parser: 'markdown' })
}

if (import.meta.main) writeFileSync(target, await currentReference())
