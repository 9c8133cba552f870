import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { BatchV1Api } from '@kubernetes/client-node'
import { jobName } from '../../../src/builds/build.ts'
import type { JobObservation, JobRequest } from '../../../src/builds/ports.ts'
import {
  createKubernetesCluster,
  type KubernetesCluster,
} from '../../../src/cluster/kubernetes-cluster.ts'
import { PermanentError, RetryLater } from '../../../src/errors.ts'
import {
  createScriptedRunner,
  hangs,
  Refusal,
  startKubernetes,
  type Kubernetes,
  type ScriptedRunner,
} from '../../stand-ins/kubernetes/index.ts'
import { eventually } from '../../support/eventually.ts'
import { imagePlan, sha } from '../../support/samples.ts'
import { newRequest } from './requests.ts'

const credential = { username: 'git', password: 'a-secret-token' }
const source = {
  cloneUrl: 'https://git.example.com/acme/app.git',
  ref: 'refs/heads/main',
  sha: sha('a'),
  credential,
}
const requestTimeoutMs = 300

describe('the Kubernetes adapter when things go wrong', () => {
  let kubernetes: Kubernetes
  let runner: ScriptedRunner
  let cluster: KubernetesCluster
  let watching: Promise<void>
  const stop = new AbortController()
  const lost: string[] = []

  before(async () => {
    runner = createScriptedRunner()
    kubernetes = await startKubernetes({ runner: (pod) => runner.run(pod) })
    cluster = createKubernetesCluster({
      kubeConfig: kubernetes.kubeConfig(),
      namespace: 'kanihook-builds',
      kanikoImage: 'registry.example.com/kaniko:1',
      cloneImage: 'registry.example.com/git:1',
      scanImage: 'registry.example.com/trivy:1',
      publishImage: 'registry.example.com/crane:1',
      registries: () => [],
      requestTimeoutMs,
      onWatchLost: (message) => lost.push(message),
    })
    watching = cluster.watch(stop.signal)
  })
  after(async () => {
    stop.abort()
    await watching
    await kubernetes.stop()
  })

  const newJob = (): [string, JobRequest] => {
    const request = newRequest(source)
    return [jobName(request.build, 1), request]
  }
  const patience = (): AbortSignal => AbortSignal.timeout(10_000)
  const seen = (job: string, found: (observation: JobObservation) => boolean) =>
    eventually(async () => {
      const observation = await cluster.observe(job)
      return found(observation) && observation
    })

  it('waits for a full quota, and says so', async () => {
    const message = 'exceeded quota: builds, requested: count/jobs.batch=1, used: 5, limited: 5'
    kubernetes.fault({ match: /^POST .*jobs/, answer: new Refusal(403, 'Forbidden', message) })
    await assert.rejects(cluster.start(newJob()[1]), (error) => {
      return error instanceof RetryLater && /quota.*exceeded quota: builds/.test(error.message)
    })
  })

  it('gives up where a policy forbids the Job, with its words', async () => {
    const message = 'admission webhook "policy" denied the request: images must be signed'
    kubernetes.fault({ match: /^POST .*jobs/, answer: new Refusal(403, 'Forbidden', message) })
    await assert.rejects(cluster.start(newJob()[1]), (error) => {
      return error instanceof PermanentError && error.message.includes(message)
    })
  })

  it('takes a silent, a broken and an overloaded API for a reason to try later', async () => {
    const [job, request] = newJob()
    const answers = [
      'silence',
      'reset',
      new Refusal(429, 'TooManyRequests', 'slow down'),
      new Refusal(500, 'InternalError', 'etcdserver: leader changed'),
      new Refusal(401, 'Unauthorized', 'Unauthorized'),
    ] as const
    for (const answer of answers) {
      kubernetes.fault({ match: /^POST .*jobs/, answer })
      kubernetes.fault({ match: /^GET .*jobs\//, answer })
      const begin = Date.now()
      await assert.rejects(cluster.start(request), RetryLater)
      await assert.rejects(cluster.observe(job), RetryLater)
      assert.ok(Date.now() - begin < requestTimeoutMs * 4, 'every call is bounded in time')
    }
    assert.equal(await cluster.start(request), 'created')
  })

  it('makes up for the Secret when it died between the Job and the Secret', async () => {
    const [job, request] = newJob()
    runner.script(job, () => new Promise(() => {}))
    kubernetes.fault({ match: /^POST .*secrets/, answer: 'reset' })
    await assert.rejects(cluster.start(request), RetryLater)
    assert.equal(kubernetes.secret(job), undefined)
    assert.equal(await cluster.start(request), 'adopted')
    assert.ok(kubernetes.secret(job))
  })

  it('makes no Secret again for an adopted Job that has cloned', async () => {
    const [job, request] = newJob()
    runner.script(job, hangs)
    await cluster.start(request)
    await cluster.forgetCredential(job)
    assert.equal(await cluster.start(request), 'adopted')
    assert.equal(kubernetes.secret(job), undefined)
  })

  it('leaves no Job behind whose Secret is refused for good', async () => {
    const [job, request] = newJob()
    runner.script(job, () => new Promise(() => {}))
    const refusal = new Refusal(403, 'Forbidden', 'secrets is forbidden: cannot create')
    kubernetes.fault({ match: /^POST .*secrets/, answer: refusal })
    await assert.rejects(cluster.start(request), PermanentError)
    await seen(job, ({ phase }) => phase === 'absent')
  })

  it('does not give a Job the Secret of one before it, which will be collected', async () => {
    const [job, request] = newJob()
    kubernetes.putSecret(job, { GIT_PASSWORD: 'old' })
    runner.script(job, () => new Promise(() => {}))
    await assert.rejects(cluster.start(request), RetryLater)
    assert.equal(await cluster.start(request), 'adopted')
    const { GIT_PASSWORD = '' } = kubernetes.secret(job)?.data ?? {}
    assert.equal(Buffer.from(GIT_PASSWORD, 'base64').toString(), credential.password)
  })

  it('gives a build without a login no Secret', async () => {
    const request = newRequest({ ...source, credential: undefined })
    const job = jobName(request.build, 1)
    await cluster.start(request)
    assert.equal(kubernetes.secret(job), undefined)
    assert.ok(!JSON.stringify(kubernetes.job(job)).includes('secretKeyRef'))
  })

  it('adopts no Job that is being deleted', async () => {
    const [job, request] = newJob()
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    runner.script(job, hangs)
    await cluster.start(request)
    const pod = await runner.pod(job)
    pod.stayUntil(released)
    const removing = cluster.remove(job, patience())
    await eventually(() => kubernetes.job(job)?.metadata?.deletionTimestamp !== undefined)
    await assert.rejects(cluster.start(request), RetryLater)
    release()
    await removing
    assert.equal(await cluster.start(request), 'created')
  })

  it('does not call a Job removed while its pod may still push', async () => {
    const [job, request] = newJob()
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    runner.script(job, hangs)
    await cluster.start(request)
    const pod = await runner.pod(job)
    pod.stayUntil(released)
    await assert.rejects(cluster.remove(job, AbortSignal.timeout(600)), RetryLater)
    release()
    await cluster.remove(job, patience())
  })

  it('tells what a pod has pushed until it was gone', async () => {
    const [job, request] = newJob()
    runner.script(job, async (pod) => {
      pod.clone()
      pod.begin('build')
      // Nothing that is read again after some time would see it.
      pod.signal.addEventListener('abort', () => pod.pushed())
      await new Promise(() => {})
    })
    await cluster.start(request)
    await runner.pod(job)
    await eventually(async () => (await cluster.observe(job)).phase === 'building')
    const { build } = await cluster.remove(job, patience())
    assert.equal(build?.exitCode, 0)
    assert.match(build?.message ?? '', /@sha256:/)
  })

  it('knows the pod of an earlier Job from that of the present one', async () => {
    const [job, request] = newJob()
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    runner.script(job, hangs)
    await cluster.start(request)
    const pod = await runner.pod(job)
    pod.stayUntil(released)
    const batch = kubernetes.kubeConfig().makeApiClient(BatchV1Api)
    const background = { name: job, namespace: 'kanihook-builds', propagationPolicy: 'Background' }
    await batch.deleteNamespacedJob(background)
    await assert.rejects(cluster.remove(job, AbortSignal.timeout(600)), RetryLater)
    kubernetes.refusePods('exceeded quota: builds')
    assert.equal(await cluster.start(request), 'created')
    kubernetes.refusePods(undefined)
    assert.equal((await cluster.observe(job)).phase, 'pending')
    release()
    await cluster.remove(job, patience())
  })

  it('goes on removing when the API fails meanwhile', async () => {
    const [job, request] = newJob()
    runner.script(job, hangs)
    await cluster.start(request)
    kubernetes.fault({ match: /^DELETE .*jobs/, answer: 'reset' })
    kubernetes.fault({ match: /^GET .*jobs\//, answer: 'silence' })
    await cluster.remove(job, patience())
    assert.equal(kubernetes.job(job), undefined)
  })

  it('loses and doubles no log line over many broken connections', async () => {
    const [job, request] = newJob()
    const written: string[] = []
    runner.script(job, async (pod) => {
      pod.clone()
      pod.begin('build')
      for (let index = 0; index < 400; index += 1) {
        // Equal lines, and equal times, are lines of their own.
        const text = index % 3 === 0 ? 'again' : `line ${index}`
        written.push(text)
        pod.log(
          'build',
          text,
          index % 5 === 0 ? undefined : `${new Date().toISOString().slice(0, 19)}.000000000Z`,
        )
        if (index % 40 === 0) kubernetes.breakStreams(index % 80 === 0 ? 'reset' : 'end')
        await delay(index % 10 === 0 ? 20 : 0)
      }
      pod.pushed()
    })
    await cluster.start(request)
    const read: string[] = []
    for await (const { text } of cluster.logs(job, 'build', patience())) read.push(text)
    assert.deepEqual(
      read.filter((text) => !text.startsWith('[simulated]')),
      written,
    )
    const connections = kubernetes.requests.filter((line) => line.includes(`pods/${job}`))
    assert.ok(connections.length > 3, 'the stream was broken')
  })

  it('ends the log on abort, and when the pod is gone', async () => {
    for (const how of ['abort', 'gone'] as const) {
      const [job, request] = newJob()
      runner.script(job, hangs)
      await cluster.start(request)
      const abort = new AbortController()
      const signal = AbortSignal.any([abort.signal, patience()])
      for await (const line of cluster.logs(job, 'build', signal)) {
        assert.ok(line.text)
        if (how === 'abort') abort.abort()
        else (await runner.pod(job)).vanish()
      }
      assert.equal(signal.aborted, how === 'abort')
    }
  })

  it('takes the watch up again when it breaks or is too old', async () => {
    for (const hurt of [() => kubernetes.breakStreams(), () => kubernetes.compact()]) {
      const [job, request] = newJob()
      const { promise: go, resolve: start } = Promise.withResolvers<void>()
      runner.script(job, async (pod) => {
        await go
        pod.clone()
      })
      const before = kubernetes.requests.filter((line) => line.includes('watch=true')).length
      await cluster.start(request)
      hurt()
      await eventually(() => {
        return kubernetes.requests.filter((line) => line.includes('watch=true')).length > before
      })
      const hinted = (async () => {
        while ((await cluster.observe(job)).ends.clone === undefined) {
          await cluster.changed(job, 60_000, patience())
        }
      })()
      start()
      await hinted
    }
    assert.ok(lost.length > 0, 'a lost watch is told')
  })

  it('misses no change between a look and the wait after it', async () => {
    const [job, request] = newJob()
    runner.script(job, hangs)
    const pod = runner.pod(job)
    await cluster.start(request)
    await cluster.observe(job)
    const before = Date.now()
    const changing = await pod
    changing.annotate('any', 'change')
    await delay(200)
    await cluster.changed(job, 5_000, patience())
    assert.ok(Date.now() - before < 4_000)
  })

  it('explains a pod that cannot be scheduled, mounted or created', async () => {
    const [unschedulable, first] = newJob()
    runner.script(unschedulable, (pod) =>
      pod.unschedulable('0/1 nodes are available: 1 Insufficient memory.'),
    )
    await cluster.start(first)
    assert.deepEqual(await cluster.observe(unschedulable), {
      phase: 'pending',
      ends: {},
      waiting: {
        reason: 'Unschedulable',
        message: '0/1 nodes are available: 1 Insufficient memory.',
      },
    })

    const [unmounted, second] = newJob()
    runner.script(unmounted, (pod) => {
      pod.schedule()
      pod.warn('FailedMount', 'secret "registry-login" not found')
    })
    await cluster.start(second)
    const { waiting } = await seen(unmounted, (found) => found.waiting !== undefined)
    assert.deepEqual(waiting, {
      reason: 'FailedMount',
      message: 'secret "registry-login" not found',
    })

    const [refused, third] = newJob()
    kubernetes.refusePods('exceeded quota: builds')
    await cluster.start(third)
    kubernetes.refusePods(undefined)
    const pending = await cluster.observe(refused)
    assert.equal(pending.phase, 'pending')
    assert.equal(pending.waiting?.reason, 'FailedCreate')
    assert.match(pending.waiting?.message ?? '', /exceeded quota: builds/)
  })

  it("tells the ends that are not the author's from those that are", async () => {
    const [evicted, first] = newJob()
    runner.script(evicted, (pod) => {
      pod.clone()
      pod.begin('build')
      pod.fail('Evicted', 'The node was low on resource: ephemeral-storage.')
    })
    await cluster.start(first)
    const { phase, pod } = await cluster.observe(evicted)
    assert.equal(phase, 'ended')
    assert.equal(pod?.reason, 'Evicted')

    const [killed, second] = newJob()
    runner.script(killed, (pod) => {
      pod.clone()
      pod.begin('build')
      pod.finish('build', { exitCode: 137, reason: 'OOMKilled' })
    })
    await cluster.start(second)
    const end = await cluster.observe(killed)
    assert.equal(end.ends.build?.reason, 'OOMKilled')
    assert.equal(end.pod, undefined)

    const [vanished, third] = newJob()
    runner.script(vanished, (scripted) => {
      scripted.clone()
      scripted.begin('build')
      scripted.vanish()
    })
    await cluster.start(third)
    assert.equal((await cluster.observe(vanished)).phase, 'absent')
  })

  it('knows a Job that has gone over its deadline', async () => {
    const plan = { ...imagePlan, timeoutMs: -299_900, startTimeoutMs: 0 }
    const request = newRequest(source, plan)
    const job = jobName(request.build, 1)
    runner.script(job, hangs)
    await cluster.start(request)
    const { pod } = await seen(job, ({ phase }) => phase === 'ended')
    assert.equal(pod?.reason, 'DeadlineExceeded')
  })

  it('tells whether the API lets it work', async () => {
    await cluster.check()
    kubernetes.fault({ match: /^GET .*jobs\?/, answer: new Refusal(403, 'Forbidden', 'no') })
    await assert.rejects(cluster.check(), RetryLater)
  })
})
