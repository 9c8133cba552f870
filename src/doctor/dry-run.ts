import { indexPart } from '../builds/parts.ts'
import { messageOf, statusOf } from '../cluster/api-call.ts'
import { fine, failure, type Remark } from '../remark.ts'
import type { Sample } from './sample-manifest.ts'

export interface DryRun {
  readonly samples: readonly Sample[]
  readonly kind: 'Job' | 'TaskRun'
  /** Has the API judge one without keeping it. Returns what it warns of; throws where it refuses. */
  readonly send: (manifest: Sample['manifest']) => Promise<readonly string[]>
  /** What a refusal means that has nothing to do with the one that was sent. */
  readonly known: (error: unknown) => Remark | undefined
}

export interface DryRunResult {
  readonly remarks: readonly Remark[]
  /** What the API warns of, each once. */
  readonly warnings: readonly string[]
}

/** Lets the API judge each sample, all admission included. What it says of several alike is said once. */
export async function dryRun({ samples, kind, send, known }: DryRun): Promise<DryRunResult> {
  const accepted: Sample[] = []
  const refused = new Map<string, Sample[]>()
  const warnings = new Set<string>()
  const others = new Map<string, Remark>()
  await Promise.all(
    samples.map(async (sample) => {
      try {
        for (const text of await send(sample.manifest)) warnings.add(text)
        accepted.push(sample)
      } catch (error) {
        if (statusOf(error) === undefined) throw error
        const remark = known(error)
        const said = alike(messageOf(error), sample)
        if (remark) others.set(remark.message, remark)
        else refused.set(said, [...(refused.get(said) ?? []), sample])
      }
    }),
  )
  const inOrder = (some: readonly Sample[]): Sample[] =>
    samples.filter((sample) => some.includes(sample))
  const refusals = [...refused].map(([said, some]) =>
    failure(
      `the API refuses ${named(inOrder(some), kind)}: ${said}`,
      'mend what it names: a policy of the cluster, or the image in kanihook.yaml',
    ),
  )
  const fit =
    accepted.length > 0
      ? [fine(`the API accepts ${named(inOrder(accepted), kind)} (tried with dryRun)`)]
      : []
  return { remarks: [...others.values(), ...refusals, ...fit], warnings: [...warnings] }
}

/** A refusal names the object, which is another one of each sample. */
const alike = (said: string, { manifest }: Sample): string =>
  said.replaceAll(manifest.metadata?.name ?? ' ', '…')

function named(samples: readonly Sample[], kind: string): string {
  const platforms = samples.flatMap(({ of }) => (of === undefined || of === indexPart ? [] : [of]))
  return [
    ...(samples.some(({ of }) => of === undefined) ? [`a build's ${kind}`] : []),
    ...(platforms.length > 0 ? [`a build's ${kind} for ${platforms.join(', ')}`] : []),
    ...(samples.some(({ of }) => of === indexPart) ? [`the ${kind} that joins platforms`] : []),
  ].join('; ')
}
