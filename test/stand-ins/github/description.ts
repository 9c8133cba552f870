import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Ajv, type ValidateFunction } from 'ajv'

type Schema = Record<string, unknown>

interface Operation {
  readonly requestBody?: { content: Record<string, { schema: Schema }> }
  readonly responses: Record<string, Reference | Response>
}
interface Response {
  readonly content?: Record<string, { schema: Schema }>
}
interface Reference {
  readonly $ref: string
}
interface Description {
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: Record<string, Record<string, Schema>>
}

/** GitHub's own description of its API. 13 MB: read at the first use, once in a process. */
let loaded: Description | undefined
function description(): Description {
  const file = createRequire(import.meta.url).resolve(
    '@octokit/openapi/generated/api.github.com.json',
  )
  loaded ??= JSON.parse(readFileSync(file, 'utf8')) as Description
  return loaded
}

function resolve(ref: string): unknown {
  const parts = ref.slice(2).split('/')
  return parts.reduce<unknown>((node, part) => (node as Schema)[part], description())
}

/**
 * An OpenAPI 3.0 schema as JSON Schema: `nullable` becomes a type, and a reference points into
 * `$defs`, where all that it needs is collected.
 */
function toJsonSchema(node: unknown, defs: Schema): unknown {
  if (Array.isArray(node)) return node.map((item) => toJsonSchema(item, defs))
  if (typeof node !== 'object' || node === null) return node
  const { $ref, nullable, ...rest } = node as Schema
  if (typeof $ref === 'string') {
    const name = $ref.replaceAll(/[^\w-]/g, '_')
    if (!(name in defs)) {
      defs[name] = true // a place held, for schemas that refer to themselves
      defs[name] = toJsonSchema(resolve($ref), defs)
    }
    return { $ref: `#/$defs/${name}` }
  }
  const schema = Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [key, toJsonSchema(value, defs)]),
  )
  return nullable === true ? { anyOf: [schema, { type: 'null' }] } : schema
}

/** An example of the description, as GitHub wrote it. */
export const describedExample = (name: string): object =>
  (resolve(`#/components/examples/${name}`) as { value: object }).value

const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true })
const validators = new Map<string, ValidateFunction>()

function faults(key: string, schema: Schema | undefined, value: unknown): string[] {
  if (!schema) return value === undefined ? [] : [`${key}: no body is described`]
  let validate = validators.get(key)
  if (!validate) {
    const $defs: Schema = {}
    validate = ajv.compile({ ...(toJsonSchema(schema, $defs) as Schema), $defs })
    validators.set(key, validate)
  }
  if (validate(value)) return []
  return (validate.errors ?? []).map((error) => `${key}: ${error.instancePath} ${error.message}`)
}

const isTemplate = (segment: string | undefined) => segment?.startsWith('{') === true

/** The described path that fits, e.g. `/repos/{owner}/{repo}/installation`; undefined: there is none. */
export function describedPath(segments: readonly string[]): string | undefined {
  return Object.keys(description().paths)
    .filter((path) => {
      const described = path.split('/').slice(1)
      return (
        described.length === segments.length &&
        described.every((part, index) => isTemplate(part) || part === segments[index])
      )
    })
    .toSorted((a, b) => a.split('{').length - b.split('{').length)[0]
}

const operation = (method: string, path: string): Operation | undefined =>
  description().paths[path]?.[method.toLowerCase()]

/** What GitHub's description has against a request; empty: nothing. */
export function requestFaults(method: string, path: string, body: unknown): string[] {
  const described = operation(method, path)
  if (!described) return [`${method} ${path}: no such operation`]
  const schema = described.requestBody?.content['application/json']?.schema
  return faults(`${method} ${path} request`, schema, body)
}

/** What GitHub's description has against an answer to that request; empty: nothing. */
export function answerFaults(
  method: string,
  path: string,
  answer: { status: number; body?: unknown },
): string[] {
  const described = operation(method, path)?.responses[String(answer.status)]
  const key = `${method} ${path} ${answer.status}`
  // Not every operation lists its errors; all of them have one shape.
  if (!described && answer.status >= 400) {
    return faults(key, { $ref: '#/components/schemas/basic-error' }, answer.body)
  }
  if (!described) return [`${key}: no such answer`]
  const response = ('$ref' in described ? resolve(described.$ref) : described) as Response
  return faults(key, response.content?.['application/json']?.schema, answer.body)
}
