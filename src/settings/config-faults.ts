import type { z } from 'zod'
import { listExample, mappingExample } from './config-examples.ts'
import { databaseKeys, scanKeys } from './scan-schema.ts'
import { knownKeys, unsupportedKeys } from './config-schema.ts'
import { isMapping } from './inherit.ts'
import { compressionKeys } from './layer-schema.ts'
import { tolerationKeys } from './pod-schema.ts'
import { closest } from './suggestion.ts'
import type { Fault, Path, YamlFile } from './yaml-file.ts'

type Issue = z.core.$ZodIssue

/** What to say of a key that the schema does not know, in the mapping that the path leads to. */
export type ExplainKey = (key: string, path: Path) => string

/** What the schema found, as sentences that say what to write instead. */
export function explainIssue(
  issue: Issue,
  file: YamlFile,
  explainKey: ExplainKey = unknownKey,
): Fault[] {
  const path = issue.path as Path
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: [...path, key],
        atKey: true,
        message: explainKey(key, path),
      }))
    case 'invalid_key':
      return issue.issues.map(({ message }) => ({ path, atKey: true, message }))
    case 'invalid_type':
      if (!issue.message.startsWith('Invalid input')) return [{ path, message: issue.message }]
      return [{ path, message: wrongType(issue.expected, path, file) }]
    case 'invalid_value':
      return [{ path, message: wrongValue(issue.values.map(String), valueAt(file.value, path)) }]
    case 'invalid_union':
      return unionFaults(issue, file)
    default:
      return [{ path, message: issue.message }]
  }
}

/** A build argument is text or names a Secret; `{branch}` without quotes is meant to be text. */
function unionFaults(issue: Extract<Issue, { code: 'invalid_union' }>, file: YamlFile): Fault[] {
  const path = issue.path as Path
  const value = valueAt(file.value, path)
  const [ofText = [], ofSecret] = issue.errors
  if (ofSecret === undefined || path.at(-2) !== 'buildArgs')
    return [{ path, message: issue.message }]
  if (isMapping(value) && !('secret' in value || 'key' in value) && !isVariable(value)) {
    return [
      { path, message: 'is neither text nor of a Secret (write { secret: …, key: … }, or text)' },
    ]
  }
  const chosen = isMapping(value) && ('secret' in value || 'key' in value) ? ofSecret : ofText
  return chosen.flatMap((each) => explainIssue({ ...each, path: [...path, ...each.path] }, file))
}

/** `{branch}`, as YAML reads it. */
const isVariable = (value: object): boolean => Object.values(value).every((each) => each === null)

/** The kind of mapping that a path leads to, and the keys that it may have. */
function keysAt(path: Path): readonly string[] {
  const [first, , third] = path
  const last = path.at(-1)
  if (path.length === 0) return knownKeys.file
  if (last === 'cache') return ['enabled', 'ttl', 'repository', 'copyLayers']
  if (last === 'scan') return scanKeys
  if (last === 'database') return databaseKeys
  if (last === 'compression') return compressionKeys
  if (last === 'paths') return ['include', 'exclude']
  if (last === 'resources') return ['requests', 'limits']
  if (path.at(-2) === 'buildArgs') return ['secret', 'key']
  if (path.at(-2) === 'tolerations') return tolerationKeys
  if (first === 'defaults') return knownKeys.image.filter((key) => key !== 'name')
  if (first === 'registries') return knownKeys.registry
  if (first === 'uploads') return knownKeys.upload
  return third === 'images' ? knownKeys.image : knownKeys.entry
}

function unknownKey(key: string, path: Path): string {
  if (unsupportedKeys.has(key)) return 'not supported by this version of kanihook (remove it)'
  const known = keysAt(path)
  const meant = closest(key, known)
  if (meant) return `unknown key (did you mean "${meant}"?)`
  if (known === knownKeys.entry && knownKeys.image.includes(key)) {
    return 'not a key of an entry (move it to the items of "images", or to "defaults")'
  }
  if (known === knownKeys.upload && knownKeys.image.includes(key)) {
    return key === 'backend'
      ? 'uploads are built by Jobs alone (leave it out)'
      : 'has no meaning here (leave it out: what is uploaded is the whole context)'
  }
  if (key === 'name' && path[0] === 'defaults') return 'unknown key (only an image has a name)'
  return `unknown key (known here: ${known.join(', ')})`
}

const kinds: Readonly<Record<string, string>> = {
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
}

function wrongType(expected: string, path: Path, file: YamlFile): string {
  const value = valueAt(file.value, path)
  const source = file.source(path)
  const wanted = kinds[expected] ?? expected
  if (value === undefined) return `missing (add it: ${wanted})`
  if (value === null) return `has no value (give it ${wanted}, or remove the key)`
  // `{branch}` without quotes is a mapping to YAML, and 1.10 the number 1.1.
  const quotable = source !== undefined && source.length <= 60 && !/["\\\n]/.test(source)
  if (expected === 'string' && quotable && !Array.isArray(value)) {
    return `must be text (write it in quotes: "${source}")`
  }
  const short = quotable ? source : undefined
  if (wanted === kinds['array']) return `must be a list (${listExample(path, value, short)})`
  if (wanted === kinds['object']) {
    return `must be a mapping (${mappingExample(path, value, short)})`
  }
  return `must be ${wanted}`
}

function wrongValue(allowed: readonly string[], value: unknown): string {
  const meant = typeof value === 'string' ? closest(value, allowed) : undefined
  return meant
    ? `unknown value (did you mean ${meant}?)`
    : `unknown value (one of ${allowed.join(', ')})`
}

export function valueAt(value: unknown, path: Path): unknown {
  let found = value
  for (const segment of path) {
    if (typeof found !== 'object' || found === null) return undefined
    found = (found as Record<string | number, unknown>)[segment]
  }
  return found
}

/** `repositories[0].images[1].name` */
export function formatPath(path: Path): string {
  return path
    .map((segment, i) => {
      if (typeof segment === 'number') return `[${segment}]`
      if (!/^[\w-]+$/.test(segment)) return `[${JSON.stringify(segment)}]`
      return i === 0 ? segment : `.${segment}`
    })
    .join('')
}

/** `kanihook.yaml:12:7: repositories[0].match: what is wrong (what to write instead)`, in the order of the file. */
export function describeFaults(
  faults: readonly Fault[],
  file: YamlFile,
  fileName: string,
): string[] {
  return faults
    .map((fault) => ({ fault, position: file.position(fault) }))
    .toSorted((a, b) => compare(a.position, b.position))
    .map(({ fault, position }) => {
      const where = fault.path.length > 0 ? `${formatPath(fault.path)}: ` : ''
      return `${fileName}:${position}: ${where}${fault.message}`
    })
}

function compare(a: string, b: string): number {
  const [lineA = 0, columnA = 0] = a.split(':').map(Number)
  const [lineB = 0, columnB = 0] = b.split(':').map(Number)
  return lineA - lineB || columnA - columnB
}
