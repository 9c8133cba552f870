import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  CoreV1Api,
  CustomObjectsApi,
  type KubernetesObject,
  type V1Pod,
} from '@kubernetes/client-node'
import { jobName } from '../../src/builds/build.ts'
import type { ContainerName } from '../../src/builds/containers.ts'
import type { JobObservation, JobRequest, LogLine } from '../../src/builds/ports.ts'
import { readPushed } from '../../src/builds/pushed.ts'
import {
  createKubernetesCluster,
  type KubernetesCluster,
} from '../../src/cluster/kubernetes-cluster.ts'
import { PermanentError, RetryLater } from '../../src/errors.ts'
import { eventually } from '../support/eventually.ts'
import type { Behaviour, ClusterUnderTest } from './cluster/setup.ts'

export { realCluster } from './cluster/real.ts'
export type { Behaviour, ClusterUnderTest } from './cluster/setup.ts'

/** What the runner of builds relies on, on a stand-in and on a real cluster alike. */
export function clusterContract(name: string, setup: () => Promise<ClusterUnderTest>): void {
  describe(name, () => {
    let under: ClusterUnderTest
    let cluster: KubernetesCluster
    let objects: CustomObjectsApi
    let core: CoreV1Api
    const stop = new AbortController()
    const started: string[] = []
    let watching: Promise<void>

    before(async () => {
      under = await setup()
      cluster = clusterWith({})
      objects = under.adminKubeConfig.makeApiClient(CustomObjectsApi)
      core = under.adminKubeConfig.makeApiClient(CoreV1Api)
      watching = cluster.watch(stop.signal)
    })
    after(async () => {
      const patience = AbortSignal.timeout(under.patienceMs)
      await Promise.all(started.map((job) => cluster.remove(job, patience)))
      stop.abort()
      await watching
      await under.close()
    })

    const clusterWith = (images: { cloneImage?: string }): KubernetesCluster => {
      const { registries } = under
      return createKubernetesCluster({
        ...under,
        ...images,
        registries: () => registries,
      })
    }

    async function start(behaviour: Behaviour, on = cluster): Promise<[string, JobRequest]> {
      const request = await under.request(behaviour)
      const job = jobName(request.build, request.tries)
      started.push(job)
      assert.equal(await on.start(request), 'created')
      return [job, request]
    }

    /** Looks again at each hint, as the runner does, until the observation is the one. */
    async function until(
      job: string,
      found: (observation: JobObservation) => unknown,
    ): Promise<JobObservation> {
      const patience = AbortSignal.timeout(under.patienceMs)
      for (;;) {
        const observation = await cluster.observe(job)
        if (found(observation)) return observation
        assert.ok(!patience.aborted, `not in time: ${JSON.stringify(observation)}`)
        await cluster.changed(job, 5_000, patience)
      }
    }
    const ended = ({ phase }: JobObservation): boolean => phase === 'ended'
    const building = ({ phase }: JobObservation): boolean => phase === 'building'

    async function lines(job: string, container: ContainerName): Promise<LogLine[]> {
      const patience = AbortSignal.timeout(under.patienceMs)
      const all: LogLine[] = []
      for await (const line of cluster.logs(job, container, patience)) all.push(line)
      assert.ok(!patience.aborted, 'the log did not end')
      return all
    }

    /** Where Jobs, or TaskRuns, are. */
    const place = () => ({
      ...(under.backend === 'tekton'
        ? { group: 'tekton.dev', version: 'v1', plural: 'taskruns' }
        : { group: 'batch', version: 'v1', plural: 'jobs' }),
      namespace: under.namespace,
    })
    const readJob = async (name: string): Promise<KubernetesObject> =>
      (await objects.getNamespacedCustomObject({ ...place(), name })) as KubernetesObject
    const pods = async (job: string): Promise<V1Pod[]> => {
      const labelSelector = `kanihook.dev/job=${job}`
      return (await core.listNamespacedPod({ namespace: under.namespace, labelSelector })).items
    }
    const hasSecret = (job: string): Promise<boolean> =>
      core.readNamespacedSecret({ name: job, namespace: under.namespace }).then(
        () => true,
        () => false,
      )

    it('runs a build to its end and tells what it pushed', async () => {
      const [job, { build }] = await start('succeeds')
      const end = await until(job, ended)
      assert.equal(end.ends.clone?.exitCode, 0)
      assert.equal(end.ends.build?.exitCode, 0, JSON.stringify(end))
      assert.equal(end.pod, undefined)
      const pushed = readPushed(end.ends.build.message, build.plan.destinations)
      assert.deepEqual(
        pushed.map(({ destination }) => destination),
        build.plan.destinations,
      )
      assert.match(pushed[0]?.digest ?? '', /^sha256:[0-9a-f]{64}$/)
    })

    it('publishes apart what was built, where an image wants it', async (t) => {
      if (under.publishImage === under.missingImage) return t.skip('this machine has no crane')
      const { build, ...rest } = await under.request('succeeds')
      const { pushSecret } = build.plan
      const login = pushSecret === undefined ? {} : { pullSecret: pushSecret }
      const apart = { ...build.plan, publish: 'apart' as const, ...login }
      const job = jobName(build, 1)
      started.push(job)
      await cluster.start({ ...rest, build: { ...build, plan: apart } })
      const { ends, pod } = await until(job, ended)
      assert.deepEqual([ends.build?.exitCode, ends.publish?.exitCode, pod], [0, 0, undefined])
      const pushed = readPushed(ends.publish?.message ?? '', build.plan.destinations)
      assert.equal(pushed.length, build.plan.destinations.length)
      assert.deepEqual(readPushed(ends.build?.message ?? '', build.plan.destinations), [])
    })

    it("passes on a RUN step's exit code, and blames no pod", async () => {
      const [job] = await start('fails')
      const end = await until(job, ended)
      assert.equal(end.ends.build?.exitCode, 42, JSON.stringify(end))
      assert.equal(end.ends.build.reason, 'Error')
      assert.equal(end.pod, undefined)
    })

    it('follows the log from the first line to the last, while the build runs', async () => {
      const [job] = await start('talks')
      const texts: string[] = []
      let seenLive = false
      for await (const { text, container, time } of cluster.logs(job, 'build', stop.signal)) {
        assert.equal(container, 'build')
        assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+/)
        texts.push(text)
        if (text === 'line 1') seenLive = (await cluster.observe(job)).phase === 'building'
      }
      assert.ok(seenLive, 'the first line came only when the build had ended')
      const told = texts.filter((text) => /^line \d+$/.test(text))
      assert.deepEqual(
        told,
        Array.from({ length: 20 }, (_, index) => `line ${index + 1}`),
      )
      assert.equal((await until(job, ended)).ends.build?.exitCode, 0)
      const again = await lines(job, 'build')
      assert.deepEqual(
        again.map(({ text }) => text),
        texts,
        'the log of an ended container is the same',
      )
      assert.ok((await lines(job, 'clone')).some(({ text }) => text.startsWith('Cloning ')))
    })

    it('adopts what is there when it is started twice, and one pod runs', async () => {
      const [job, request] = await start('hangs')
      assert.equal(await cluster.start(request), 'adopted')
      await until(job, building)
      assert.equal(await clusterWith({}).start(request), 'adopted')
      assert.equal((await pods(job)).length, 1)
    })

    it('takes nothing of the same name that is not of this build', async () => {
      const request = await under.request('succeeds')
      const job = jobName(request.build, request.tries)
      const containers = [{ name: 'other', image: under.missingImage, command: ['true'] }]
      const { group, version } = place()
      const body = {
        apiVersion: `${group}/${version}`,
        metadata: { name: job },
        ...(under.backend === 'tekton'
          ? { kind: 'TaskRun', spec: { taskSpec: { steps: containers } } }
          : { kind: 'Job', spec: { template: { spec: { restartPolicy: 'Never', containers } } } }),
      }
      await objects.createNamespacedCustomObject({ ...place(), body })
      started.push(job)
      await assert.rejects(cluster.start(request), RetryLater)
    })

    it('says why a pod does not start, and goes on waiting', async () => {
      const [job] = await start('hangs', clusterWith({ cloneImage: under.missingImage }))
      const { phase, waiting } = await until(job, (seen) =>
        /Image/.test(seen.waiting?.reason ?? ''),
      )
      assert.equal(phase, 'pending')
      assert.match(waiting?.reason ?? '', /^(ImagePullBackOff|ErrImagePull)$/)
      assert.ok(waiting?.message.includes(under.missingImage), waiting?.message)
    })

    it('refuses for good what the API calls invalid', async () => {
      const { build, ...rest } = await under.request('succeeds')
      const resources = { limits: { memory: 'a lot' } }
      const wrong = { ...rest, build: { ...build, plan: { ...build.plan, resources } } }
      await assert.rejects(cluster.start(wrong), PermanentError)
      assert.equal((await cluster.observe(jobName(build, 1))).phase, 'absent')
    })

    it('removes a running build with its pod and its Secret', async () => {
      const [job] = await start('hangs')
      await until(job, building)
      assert.ok(await hasSecret(job))
      const ends = await cluster.remove(job, AbortSignal.timeout(under.patienceMs))
      assert.equal(ends.clone?.exitCode, 0)
      assert.ok(ends.build && ends.build.exitCode !== 0, JSON.stringify(ends))
      assert.equal((await cluster.observe(job)).phase, 'absent')
      await assert.rejects(readJob(job), { code: 404 })
      assert.deepEqual(await pods(job), [])
      await eventually(async () => !(await hasSecret(job)), { within: under.patienceMs })
    })

    it('calls a build whose pod was taken away anything but a success', async () => {
      const [job] = await start('hangs')
      await until(job, building)
      const taken = await pods(job)
      for (const pod of taken) {
        const name = pod.metadata?.name ?? ''
        const force = { name, namespace: under.namespace, gracePeriodSeconds: 0 }
        await core.deleteNamespacedPod(force)
      }
      const uids = taken.map(({ metadata }) => metadata?.uid)
      const seen = await eventually(
        async () => {
          const observation = await cluster.observe(job)
          // Tekton begins again, with another pod.
          const again = (await pods(job)).some(({ metadata }) => !uids.includes(metadata?.uid))
          return (again || /absent|ended/.test(observation.phase)) && observation
        },
        { within: under.patienceMs },
      )
      assert.notEqual(seen.ends.build?.exitCode, 0)
      assert.ok(seen.phase !== 'ended' || seen.pod, JSON.stringify(seen))
    })

    it('forgets the git login when told, and a second time too', async () => {
      const [job] = await start('hangs')
      assert.ok(await hasSecret(job))
      await until(job, building)
      await cluster.forgetCredential(job)
      assert.equal(await hasSecret(job), false)
      await cluster.forgetCredential(job)
      assert.equal((await cluster.observe(job)).phase, 'building')
    })

    it("makes the git login the build's own, so that it goes with it", async () => {
      const [job] = await start('hangs')
      const secret = await core.readNamespacedSecret({ name: job, namespace: under.namespace })
      const uid = (await readJob(job)).metadata?.uid
      assert.deepEqual(
        secret.metadata?.ownerReferences?.map((owner) => owner.uid),
        [uid],
      )
    })

    it('keeps the git login out of the Job, the pod and the log', async () => {
      const [job, { credential }] = await start('succeeds')
      await until(job, ended)
      const secrets = [
        credential?.password ?? '',
        Buffer.from(credential?.password ?? '').toString('base64'),
      ]
      const everything = [
        await readJob(job),
        await pods(job),
        await lines(job, 'clone'),
        await lines(job, 'build'),
      ]
      for (const secret of secrets) assert.ok(!JSON.stringify(everything).includes(secret))
    })

    it('wakes those who wait when the pod changes, and at once on abort', async () => {
      const [job] = await start('succeeds')
      await until(job, ended)
      const abort = new AbortController()
      const waiting = cluster.changed(job, 60_000, abort.signal)
      abort.abort()
      await waiting
      const [other] = await start('hangs')
      const patience = AbortSignal.timeout(under.patienceMs)
      // Each wait is far longer than the test may take: only the watch can end it.
      while ((await cluster.observe(other)).phase !== 'building' && !patience.aborted) {
        await cluster.changed(other, under.patienceMs * 2, patience)
      }
      assert.ok(!patience.aborted, 'no hint came')
    })

    it('has nothing to say about what is not there', async () => {
      const job = 'kanihook-nothing-0123456789abcdef-1'
      assert.deepEqual(await cluster.observe(job), { phase: 'absent', ends: {} })
      assert.deepEqual(await lines(job, 'build'), [])
      await cluster.forgetCredential(job)
      await cluster.remove(job, AbortSignal.timeout(under.patienceMs))
    })
  })
}
