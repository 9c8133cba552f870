import { describe, table } from './schema-tables.ts'

/** A part of .env.example: `# --- Title: what is common to it. ---`, and its variables. */
interface Part {
  readonly title: string
  readonly note: string
  readonly rows: string[][]
}

/** A table of variables for each part of .env.example. */
export function variableTables(envExample: string): string {
  return parts(envExample)
    .map(({ title, note, rows }) =>
      [
        `### ${title}`,
        ...(note ? [note] : []),
        table(['variable', 'default', 'meaning'], rows),
      ].join('\n\n'),
    )
    .join('\n\n')
}

/** Each variable there stands below one line that says what it is. */
function parts(text: string): Part[] {
  const found: Part[] = []
  let said = ''
  for (const line of text.split('\n')) {
    const heading = /^# --- (?<title>[^:(]+?)(: (?<common>.*?)| \((?<aside>.*)\))?\.? ---$/.exec(
      line,
    )
    const [, name, value = ''] = /^#?([A-Z][A-Z_]+)=(.*)$/.exec(line) ?? []
    if (heading?.groups) {
      const { title = '', common, aside } = heading.groups
      found.push({ title, note: sentence(common ?? aside ?? ''), rows: [] })
    } else if (name !== undefined) {
      const { meaning, byDefault } = describe(said)
      found.at(-1)?.rows.push([`\`${name}\``, byDefault || (value && `\`${value}\``), meaning])
    } else said = line.replace(/^# ?/, '')
  }
  return found
}

const sentence = (text: string): string =>
  text && `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`
