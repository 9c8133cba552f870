import assert from 'node:assert/strict'
import { test } from 'node:test'
import { literal } from '../../src/cluster/literal.ts'
import { taskRunManifest } from '../../src/cluster/tekton/manifest.ts'
import type { Step } from '../../src/cluster/tekton/task-run.ts'
import { newRequest } from '../contracts/cluster/requests.ts'
import { imagePlan, sha } from '../support/samples.ts'
import { render } from './render.ts'
import { usual } from './values-table.ts'
import { taskScripts } from './write-task-scripts.ts'

const images = {
  cloneImage: 'registry.acme.test/git:2',
  kanikoImage: 'registry.acme.test/kaniko:1',
}
const values = { ...usual, tekton: { enabled: true }, settings: images }

/** The steps of the TaskRun that kanihook itself makes. */
function ownSteps(): [Step, Step] {
  const cloneUrl = 'https://git.acme.test/acme/app.git'
  const source = { cloneUrl, ref: 'refs/heads/main', sha: sha('a'), credential: undefined }
  const plan = { ...imagePlan, target: undefined, buildArgs: {}, labels: {}, verbosity: 'info' }
  const unused = { scanImage: '', publishImage: '' }
  const settings = { namespace: 'kanihook-builds', ...images, ...unused, registries: [] }
  const { steps } = taskRunManifest(newRequest(source, plan), settings).spec.taskSpec
  return steps as [Step, Step]
}

async function chartSteps(): Promise<[Step, Step]> {
  const { spec } = (await render(values)).one('Task', 'kanihook-build')
  return spec.steps as [Step, Step]
}

const volumesOf = (step: Step): unknown[] =>
  (step['volumeMounts'] as { name: string }[]).filter(({ name }) => name !== 'registry-login')

test('the Task has the steps of kanihook’s own builds: their images, rights, requests and folders', async () => {
  const own = ownSteps()
  for (const [index, step] of (await chartSteps()).entries()) {
    const wanted = own[index]!
    for (const field of ['name', 'image', 'imagePullPolicy', 'workingDir', 'securityContext']) {
      assert.deepEqual(step[field], wanted[field], `${step.name}: ${field}`)
    }
    assert.deepEqual(volumesOf(step), volumesOf(wanted))
  }
  const [clone] = await chartSteps()
  assert.deepEqual(clone['computeResources'], own[0]['computeResources'])
})

test('the Task clones by the scripts of kanihook’s own builds', async () => {
  const [clone] = await chartSteps()
  const [first, second] = clone['args'] as string[]
  assert.equal(first, literal(taskScripts['clone.sh']), 'npm run schema writes it')
  assert.equal(second, literal(taskScripts['workspace-check.sh']), 'npm run schema writes it')
})

test('the Task gives Kaniko the flags of kanihook’s own builds, and its own for the rest', async () => {
  const fixed = (args: unknown): string[] =>
    (args as string[]).filter((arg) => !/^--(context|dockerfile|destination|cache)|^\$\(/.test(arg))
  const [, build] = await chartSteps()
  const own = fixed(ownSteps()[1]['args']).map((arg) =>
    arg.replace('/tekton/results/build', '$(results.pushed.path)'),
  )
  assert.deepEqual(
    fixed(build['args']).filter((arg) => !arg.startsWith('--digest-file=')),
    own,
  )
  assert.deepEqual(build['command'], ownSteps()[1]['command'])
})

test('the login for git is the clone’s alone, and that of the registry the build’s', async () => {
  const [clone, build] = await chartSteps()
  assert.deepEqual(clone['workspaces'], [{ name: 'git-login', mountPath: '/kanihook/git' }])
  assert.deepEqual(build['workspaces'], [{ name: 'registry-login', mountPath: '/kanihook/docker' }])
})

test('the pods of the Task’s runs fall under the policy of the builds', async () => {
  const { metadata } = (await render(values)).one('Task', 'kanihook-build')
  assert.ok(metadata.labels?.['kanihook.dev/build'])
})

test('without Tekton there is neither Task nor Pipeline', async () => {
  const rendered = await render(usual)
  assert.deepEqual([...rendered.all('Task'), ...rendered.all('Pipeline')], [])
})
