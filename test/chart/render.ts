import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { run } from '../cluster/support/command.ts'
import { ensureTool } from '../cluster/tools.ts'
import type { KubernetesObject, Kinds } from './kinds.ts'

export interface Rendered {
  readonly objects: readonly KubernetesObject[]
  all<K extends keyof Kinds>(kind: K): readonly Kinds[K][]
  /** The only one of that kind and name; throws where there is none. */
  one<K extends keyof Kinds>(kind: K, name: string): Kinds[K]
}

export interface RenderOptions {
  readonly release?: string
  readonly namespace?: string
  /** More arguments of `helm template`. */
  readonly args?: readonly string[]
}

export const chartFolder = join(import.meta.dirname, '../../charts/kanihook')

/** Runs helm on the chart with these values and returns what it prints. Throws with what helm says. */
export async function helm(
  command: readonly string[],
  values: object,
  { release = 'kanihook', namespace = 'kanihook', args = [] }: RenderOptions = {},
): Promise<string> {
  const named = command[0] === 'lint' ? [] : [release]
  const common = [chartFolder, '--namespace', namespace, '--values', '-']
  // Not the cluster of whoever runs the tests.
  const env = { ...process.env, KUBECONFIG: '/nonexistent' }
  return await run(await ensureTool('helm'), [...command, ...named, ...common, ...args], {
    env,
    input: JSON.stringify(values),
  })
}

/** What `helm template` makes of the values. */
export async function render(values: object, options: RenderOptions = {}): Promise<Rendered> {
  return read(await helm(['template'], values, options))
}

/** What a person reads after an installation. */
export async function renderNotes(values: object): Promise<string> {
  const text = await helm(['install', '--dry-run=client'], values)
  return text.slice(text.indexOf('NOTES:'))
}

/** What helm says of values that it refuses; throws where it takes them. */
export async function refusal(values: object, options: RenderOptions = {}): Promise<string> {
  const rendered = await helm(['template'], values, options).catch((error: Error) => error)
  if (rendered instanceof Error) return rendered.message
  throw new Error('helm took the values')
}

/** The objects in helm's output. */
export function read(text: string): Rendered {
  // Kubernetes reads YAML 1.1.
  const documents = parseAllDocuments(text, { version: '1.1' })
  const objects = documents.flatMap((document): KubernetesObject[] => {
    if (document.errors[0]) throw document.errors[0]
    const value: unknown = document.toJS()
    return value === null ? [] : [value as KubernetesObject]
  })
  const all = <K extends keyof Kinds>(kind: K) =>
    objects.filter((each) => each.kind === kind) as unknown as readonly Kinds[K][]
  return {
    objects,
    all,
    one<K extends keyof Kinds>(kind: K, name: string) {
      const [found, another] = all(kind).filter((each) => each.metadata.name === name)
      if (!found || another) throw new Error(`there is not one ${kind} called ${name}`)
      return found
    },
  }
}
