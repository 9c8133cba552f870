import { isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml'
import type { Document, Node, Pair } from 'yaml'

export type Path = readonly (string | number)[]

/** Something wrong in a YAML file: what, and in brackets what to do. */
export interface Fault {
  /** Where in the values; empty: the file as a whole. */
  readonly path: Path
  readonly message: string
  /** Points at the key rather than at its value. */
  readonly atKey?: boolean
  /** Where in the text, for what has no path. */
  readonly offset?: number
}

export interface YamlFile {
  /** Undefined where the file is no YAML, or more than kanihook wants to read. */
  readonly value: unknown
  readonly faults: readonly Fault[]
  /** `12:7`: line and column of a fault, both from 1. */
  position(fault: Fault): string
  /** The value at a path as the file writes it. */
  source(path: Path): string | undefined
}

/** A ConfigMap holds no more; a parser must not be made to read more. */
const largest = 1024 * 1024

/**
 * Reads YAML 1.2 and keeps its positions. Aliases are refused (a small file could grow to any size
 * by them), as are double keys, keys that are no text, and types of one's own.
 */
export function readYaml(text: string): YamlFile {
  if (text.length > largest) return tooLarge
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const errors: Fault[] = document.errors
    .filter(({ code }) => code === 'DUPLICATE_KEY')
    .map(({ pos }) => ({ path: [], offset: pos[0], message: 'this key is there twice (keep one)' }))
  // What follows the first syntax error is mostly its consequence.
  const broken = document.errors.find(({ code }) => code !== 'DUPLICATE_KEY')
  if (broken) {
    const message = `not YAML: ${broken.message} (mend this first: the rest cannot be read)`
    errors.push({ path: [], offset: broken.pos[0], message })
  }
  const types: Fault[] = document.warnings.map(({ message, pos }) => ({
    path: [],
    offset: pos[0],
    message: `${message} (leave the type out)`,
  }))
  const unwanted = broken ? [] : unwantedNodes(document)
  return {
    value: broken || unwanted.length > 0 ? undefined : document.toJS(),
    faults: [...errors, ...types, ...unwanted],
    position(fault) {
      const { line, col } = lines.linePos(fault.offset ?? offsetOf(document, fault))
      return `${line}:${col}`
    },
    source(path) {
      const range = find(document, path).value?.range
      return range ? text.slice(range[0], range[1]) : undefined
    },
  }
}

const tooLarge: YamlFile = {
  value: undefined,
  faults: [{ path: [], message: 'is larger than 1 MiB (join repositories by a glob)' }],
  position: () => '1:1',
  source: () => undefined,
}

function unwantedNodes(document: Document.Parsed): Fault[] {
  const faults: Fault[] = []
  const add = (node: unknown, message: string): void => {
    faults.push({ path: [], offset: (node as Node | null)?.range?.[0] ?? 0, message })
  }
  visit(document, {
    Alias: (_, node) => add(node, 'aliases are not read (write the value out)'),
    Pair: (_, { key }) => {
      if (!isScalar(key) || typeof key.value !== 'string') {
        add(key, 'the key is no text (write it in quotes)')
      } else if (key.value === '__proto__') add(key, 'no key can have this name (leave it out)')
    },
    Scalar: (_, node) => {
      if (typeof node.value === 'string' && node.value.includes('\0')) {
        add(node, 'holds a NUL character (leave it out)')
      }
    },
  })
  return faults
}

/** The node at a path, or as far as the path leads; `pair` is what holds it, where that is a map. */
function find(document: Document.Parsed, path: Path) {
  let holder: { value: Node | null; pair: Pair | undefined } = {
    value: document.contents,
    pair: undefined,
  }
  for (const segment of path) {
    const { value } = holder
    if (isMap(value)) {
      const pair = value.items.find(({ key }) => isScalar(key) && key.value === segment)
      if (!pair) return { ...holder, missing: true }
      holder = { value: pair.value as Node | null, pair }
    } else if (isSeq(value) && typeof segment === 'number' && segment < value.items.length) {
      holder = { value: value.items[segment] as Node | null, pair: undefined }
    } else return { ...holder, missing: true }
  }
  return { ...holder, missing: false }
}

function offsetOf(document: Document.Parsed, fault: Fault): number {
  const { value, pair, missing } = find(document, fault.path)
  const isEmpty = isScalar(value) && value.value === null
  const node = pair && !missing && (fault.atKey || isEmpty) ? (pair.key as Node) : value
  return node?.range?.[0] ?? 0
}
