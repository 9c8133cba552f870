/** A line that Kaniko itself wrote, and not a RUN step. */
export interface KanikoLine {
  /** `info`, `warning`, `error`…, as its `--verbosity` says them. */
  readonly level: string
  readonly message: string
}

/** `time="…" level=info msg="…"`: `--log-format=text`. */
const textForm = /^time="[^"]*" level=(\w+) msg=(?:"((?:[^"\\]|\\.)*)"|(\S*))/

/** `INFO[0001] …`, coloured or not: `--log-format=color`, which fills a message up with blanks. */
const colourForm =
  // eslint-disable-next-line no-control-regex
  /^(?:\x1b\[\d+m)?(TRAC|DEBU|INFO|WARN|ERRO|FATA|PANI)(?:\x1b\[0m)?\[\d+\] ([^]*?) *$/

const colourLevels: Readonly<Record<string, string>> = {
  TRAC: 'trace',
  DEBU: 'debug',
  INFO: 'info',
  WARN: 'warning',
  ERRO: 'error',
  FATA: 'fatal',
  PANI: 'panic',
}

/**
 * Reads a line of Kaniko's logger in any of its formats (those of github.com/sirupsen/logrus);
 * undefined: another wrote it. A RUN step may write the same, so it is no proof.
 */
export function kanikoLine(line: string): KanikoLine | undefined {
  const [, level, quoted, bare = ''] = textForm.exec(line) ?? []
  if (level !== undefined) return { level, message: quoted === undefined ? bare : unquote(quoted) }
  const [, short = '', message = ''] = colourForm.exec(line) ?? []
  const known = colourLevels[short]
  return known === undefined ? jsonLine(line) : { level: known, message }
}

/** `{"level":"info","msg":"…","time":"…"}`: `--log-format=json`. */
function jsonLine(line: string): KanikoLine | undefined {
  if (!line.startsWith('{"')) return undefined
  try {
    const { level, msg, time } = JSON.parse(line) as Record<string, unknown>
    const isLine = [level, msg, time].every((value) => typeof value === 'string')
    return isLine ? { level: level as string, message: msg as string } : undefined
  } catch {
    return undefined
  }
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t' }

/** Undoes what Go's `%q` does to quotes and white space. */
const unquote = (text: string): string =>
  text.replace(/\\(["\\nt])/g, (_, character: string) => escapes[character] ?? character)
