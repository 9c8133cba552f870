/** The part of JSON schema that kanihook.yaml's is made of. */
export interface Schema {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly additionalProperties?: Schema | false
  readonly enum?: readonly string[]
  readonly const?: string
  readonly pattern?: string
}

/** A row for each key of a mapping: what it is, what holds without it, what it means. */
export function keyTable(schema: Schema, durationPattern: string): string {
  const mapping = schema.anyOf?.find(({ properties }) => properties) ?? schema
  const rows = Object.entries(mapping.properties ?? {}).map(([key, schema]) => {
    const { meaning, byDefault } = describe(schema.description ?? '')
    const without = mapping.required?.includes(key) ? 'needed' : byDefault
    return [`\`${key}\``, typeOf(schema, durationPattern), without, meaning]
  })
  return table(['key', 'type', 'default', 'meaning'], rows)
}

/** Cells are Markdown, but for `|`, which is escaped here. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map(row).join('\n')
}

const row = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`

/** Text as Markdown shows it, with what stands for itself in a default as code. */
export const plain = (text: string): string => text.replaceAll('<', '\\<')

/** `Keep layers. Default: false.` → its meaning and its default. */
export function describe(description: string): { meaning: string; byDefault: string } {
  const [, meaning = description, found] = /^(.*?)\s*Default: (.*)\.$/s.exec(description) ?? []
  return { meaning: plain(meaning), byDefault: found === undefined ? '' : value(found) }
}

const value = (text: string): string =>
  /^([[<\d]|true$|false$|info$|never$)/.test(text) ? `\`${text}\`` : plain(text)

/** A schema's type in words. */
function typeOf(schema: Schema, durationPattern: string): string {
  const { type, items, properties, additionalProperties } = schema
  if (schema.enum) return schema.enum.map((each) => `\`${each}\``).join(', ')
  if (schema.const !== undefined) return `\`${schema.const}\``
  if (schema.pattern === durationPattern) return 'duration'
  if (schema.anyOf) return schema.anyOf.map((each) => typeOf(each, durationPattern)).join(' or ')
  if (items) return `list of ${items.properties ? 'mappings' : typeOf(items, durationPattern)}`
  if (properties) return 'mapping'
  if (additionalProperties)
    return `mapping of names to ${typeOf(additionalProperties, durationPattern)}`
  const names = [type ?? []].flat().map((name) => words[name] ?? name)
  return names.join(' or ')
}

const words: Readonly<Record<string, string>> = {
  string: 'text',
  boolean: '`true`, `false`',
}
