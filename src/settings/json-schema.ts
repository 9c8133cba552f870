import { z } from 'zod'
import { configSchema } from './config-schema.ts'

/** Draft 7: what editors read. What only kanihook can judge is left to `kanihook check`. */
export function jsonSchema(): object {
  const { $schema, ...rest } = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-7' })
  return { $schema, title: 'kanihook.yaml', ...rest }
}

/** The text of `schema/kanihook.schema.json`. */
export const jsonSchemaText = (): string => `${JSON.stringify(jsonSchema(), null, 2)}\n`
