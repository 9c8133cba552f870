export type Mapping = Readonly<Record<string, unknown>>

export const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * What `own` says, and for the rest what `base` says: mappings key by key, all else as a whole. So
 * an image adds a label to those of `defaults`, and replaces their list of tags.
 */
export function inherit<Base extends object, Own extends object>(base: Base, own: Own): Base & Own {
  const result = { ...base } as Record<string, unknown>
  for (const [key, value] of Object.entries(own)) {
    if (value === undefined) continue
    const below = result[key]
    result[key] = isMapping(below) && isMapping(value) ? inherit(below, value) : value
  }
  return result as Base & Own
}
