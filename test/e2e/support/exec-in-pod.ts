import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { Exec, type KubeConfig, type V1Status } from '@kubernetes/client-node'

export interface PodCommand {
  readonly namespace: string
  readonly name: string
  readonly container: string
  readonly command: readonly string[]
}

/** Runs a command in a container to its end. */
export async function execInPod(
  kubeConfig: KubeConfig,
  { namespace, name, container, command }: PodCommand,
): Promise<{ code: number; out: string; errors: string }> {
  const [out, errors] = [new PassThrough(), new PassThrough()]
  const printed = Promise.all([text(out), text(errors)])
  const { promise, resolve } = Promise.withResolvers<V1Status>()
  const exec = new Exec(kubeConfig)
  const words = [...command]
  await exec.exec(namespace, name, container, words, out, errors, null, false, resolve)
  const { details } = await promise
  out.end()
  errors.end()
  const code = details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message
  const [printedOut, printedErrors] = await printed
  return { code: Number(code ?? 0), out: printedOut, errors: printedErrors }
}
