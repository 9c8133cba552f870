import { setTimeout as delay } from 'node:timers/promises'
import {
  createScriptedRunner,
  type PodRunner,
  type ScriptedPod,
} from '../test/stand-ins/kubernetes/index.ts'

const runner = createScriptedRunner()

/** Takes about as long as a small build, so that each step can be seen. */
runner.byDefault(async (pod: ScriptedPod) => {
  const { signal } = pod
  await delay(300, undefined, { signal })
  pod.clone()
  await delay(500, undefined, { signal })
  pod.begin('build')
  for (const line of ['Building', 'Pushing']) {
    await delay(500, undefined, { signal })
    pod.log('build', `[simulated] ${line}`)
  }
  await delay(500, undefined, { signal })
  pod.pushed()
})

/** A pod in which nothing runs and that says so in its log. */
export const simulatedPod: PodRunner = (pod) =>
  runner.run(pod).catch((error: unknown) => {
    if (!pod.signal.aborted) throw error
  })
