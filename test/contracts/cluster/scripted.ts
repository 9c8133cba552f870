import { setTimeout as delay } from 'node:timers/promises'
import { jobName } from '../../../src/builds/build.ts'
import {
  createScriptedRunner,
  fails,
  hangs,
  startKubernetes,
  succeeds,
  type ScriptedPod,
} from '../../stand-ins/kubernetes/index.ts'
import { sha } from '../../support/samples.ts'
import { newRequest } from './requests.ts'
import type { Behaviour, ClusterUnderTest } from './setup.ts'

const missingImage = 'registry.example.com/missing:1'

/** The stand-in, in which nothing runs: pods do what a script says. */
export async function scriptedCluster(): Promise<ClusterUnderTest> {
  const runner = createScriptedRunner()
  const kubernetes = await startKubernetes({ runner: (pod) => runner.run(pod) })
  const credential = { username: 'git', password: 'a-secret-token' }
  const cloneUrl = 'https://git.example.com/acme/app.git'
  return {
    kubeConfig: kubernetes.kubeConfig(),
    adminKubeConfig: kubernetes.kubeConfig(),
    namespace: 'kanihook-builds',
    kanikoImage: 'registry.example.com/kaniko:1',
    cloneImage: 'registry.example.com/git:1',
    scanImage: 'registry.example.com/trivy:1',
    publishImage: 'registry.example.com/crane:1',
    missingImage,
    registries: [],
    patienceMs: 10_000,
    request(behaviour) {
      const source = { cloneUrl, ref: 'refs/heads/main', sha: sha('a'), credential }
      const request = newRequest(source)
      runner.script(jobName(request.build, 1), scripts(behaviour))
      return Promise.resolve(request)
    },
    close: () => kubernetes.stop(),
  }
}

function scripts(behaviour: Behaviour): (pod: ScriptedPod) => Promise<void> {
  const play = {
    succeeds,
    fails: fails({ exitCode: 42 }, 'about to fail'),
    hangs,
    talks: async (pod: ScriptedPod) => {
      pod.clone()
      pod.begin('build')
      for (let line = 1; line <= 20; line += 1) {
        pod.log('build', `line ${line}`)
        await delay(50)
      }
      pod.pushed()
    },
  }[behaviour]
  return async (pod) => {
    const image = pod.pod.spec?.initContainers?.[0]?.image
    if (image !== missingImage) return play(pod)
    pod.schedule()
    pod.wait('clone', 'ImagePullBackOff', `Back-off pulling image "${image}"`)
    await new Promise(() => {})
  }
}
