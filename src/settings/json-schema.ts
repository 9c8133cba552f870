import { z } from 'zod'
import { configSchema } from './config-schema.ts'
import { repositorySchema } from './repository-schema.ts'

/** Draft 7: what editors read. What only kanihook can judge is left to `kanihook check`. */
function schemaOf(title: string, schema: z.ZodType): object {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' })
  return { $schema, title, ...rest }
}

export const jsonSchema = (): object => schemaOf('kanihook.yaml', configSchema)
export const repositoryJsonSchema = (): object => schemaOf('.kanihook.yaml', repositorySchema)

/** The files in `schema/`, by their names, and what each is made of. */
export const jsonSchemas: Readonly<Record<string, () => object>> = {
  'kanihook.schema.json': jsonSchema,
  'repository.schema.json': repositoryJsonSchema,
}
