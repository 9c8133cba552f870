import type { V1Container, V1EnvVar } from '@kubernetes/client-node'
import type { ImagePlan } from '../../builds/build.ts'
import type { JobRequest } from '../../builds/ports.ts'
import { PermanentError } from '../../errors.ts'
import { terminationLog } from '../context-report.ts'
import { deadlineSeconds, jobManifest, type JobSettings } from '../job-manifest.ts'
import { literal } from '../literal.ts'
import { inContext } from '../paths.ts'
import { tektonGroup, tektonVersion, type Step, type TaskRun } from './task-run.ts'
import { workspaceCheck } from './workspace-check.ts'

/** Where Tekton takes results from, and its own folders, which are no part of an image. */
export const resultsFolder = '/tekton/results'
export const tektonFolder = '/tekton'

/** The executor in Kaniko's images: Tekton would have to ask the registry for the image's entrypoint. */
const executor = '/kaniko/executor'

/**
 * The TaskRun of one try of a build: the Job's pod with its containers as steps. Its Task is part of it, so
 * that a change of the chart's changes no build. Pure. Throws as `jobManifest` does, and where there are
 * more tags than a result can tell of.
 */
export function taskRunManifest(request: JobRequest, settings: JobSettings): TaskRun {
  // Tekton starts a step when the one before it has ended, by itself.
  const oneByOne = { ...settings, kanikoShell: '' }
  const { metadata = {}, spec } = jobManifest(request, oneByOne, {
    report: reportOf('build'),
    ignore: [tektonFolder],
  })
  const { metadata: ofPod = {}, spec: pod } = spec!.template
  refuseTooManyTags(request.build.plan.destinations)
  refuseOddQuantities(request.build.plan.resources)
  const { nodeSelector, tolerations, priorityClassName, serviceAccountName } = pod!
  const { plan } = request.build
  const containers = [...(pod!.initContainers ?? []), ...pod!.containers]
  return {
    apiVersion: `${tektonGroup}/${tektonVersion}`,
    kind: 'TaskRun',
    metadata: Object.assign({}, metadata, {
      // Tekton gives them to the pod.
      labels: { ...metadata.labels, ...ofPod.labels },
      annotations: { ...metadata.annotations, ...ofPod.annotations },
    }),
    spec: {
      ...(serviceAccountName === undefined ? {} : { serviceAccountName }),
      timeout: `${deadlineSeconds(request.build.plan)}s`,
      podTemplate: {
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        ...(nodeSelector ? { nodeSelector } : {}),
        ...(tolerations ? { tolerations } : {}),
        ...(priorityClassName === undefined ? {} : { priorityClassName }),
      },
      taskSpec: {
        description: 'Made by kanihook for one build.',
        results: containers.map(({ name }) => ({ name, description: `What ${name} tells` })),
        steps: containers.map(reporting).map((each) => step(checked(each, plan))),
        volumes: pod!.volumes ?? [],
      },
    },
  }
}

/** What a container tells in its termination message is here the result of its step's name. */
const reportOf = (name: string): string => `${resultsFolder}/${name}`

/** A script that tells something tells nothing where there is no such file. */
function reporting(container: V1Container): V1Container {
  const { name, command: [shell, flag, script, ...rest] = [] } = container
  if (!shell || !flag || !script?.includes(terminationLog)) return container
  const told = `touch ${reportOf(name)}\n${script.replaceAll(terminationLog, reportOf(name))}`
  return Object.assign({}, container, { command: [shell, flag, told, ...rest] })
}

/** The clone also looks whether the Dockerfile can be built where Tekton's folders are. */
function checked(container: V1Container, { dockerfile }: ImagePlan): V1Container {
  const { name, command: [shell, flag, script, ...rest] = [], env = [] } = container
  if (name !== 'clone' || !shell || !flag || !script) return container
  return Object.assign({}, container, {
    command: [shell, flag, script + literal(workspaceCheck), ...rest],
    env: [...env, { name: 'KANIHOOK_DOCKERFILE', value: literal(inContext(dockerfile)) }],
  })
}

/** A container as a step: the fields that a step calls otherwise, and the texts as Tekton must have them. */
export function step(container: V1Container): Step {
  const {
    resources,
    terminationMessagePath: _,
    command = [executor],
    args,
    env,
    ...same
  } = container
  return {
    ...same,
    command: command.map(literalInStep),
    ...(args ? { args: args.map(literalInStep) } : {}),
    env: [{ name: dollar, value: '$' }, ...(env ?? []).map(inStep)],
    ...(resources ? { computeResources: resources } : {}),
  }
}

const dollar = 'KANIHOOK_DOLLAR'

/**
 * Tekton replaces `$(params.…)`, `$(context.…)` and the like before Kubernetes replaces `$(NAME)`, and knows
 * no way to escape it. So where `literal` wrote `$$(` for Kubernetes, the `$` comes from a variable: Tekton
 * sees nothing that it knows, and the container gets the text as it was.
 */
const literalInStep = (text: string): string => text.replaceAll('$$(', () => `$(${dollar})(`)

const inStep = (variable: V1EnvVar): V1EnvVar =>
  variable.value === undefined
    ? variable
    : { name: variable.name, value: literalInStep(variable.value) }

/** All results of a step and what Tekton adds must fit into the 4096 bytes of a termination message. */
const mostBytes = 3_800

function refuseTooManyTags(destinations: readonly string[]): void {
  const digest = '@sha256:'.length + 64 + '\\n'.length
  const bytes = destinations.reduce((sum, { length }) => sum + length + digest, 0)
  if (bytes <= mostBytes) return
  throw new PermanentError(
    `A TaskRun cannot tell of ${destinations.length} tags: use fewer, or backend: job`,
  )
}

/** The definition of a TaskRun lets any text be a quantity, and one that is none stops Tekton's controller. */
function refuseOddQuantities({ requests = {}, limits = {} }: ImagePlan['resources']): void {
  for (const [name, quantity] of [...Object.entries(requests), ...Object.entries(limits)]) {
    if (/^[+-]?[0-9.]+([eEinumkKMGTP]*[-+]?[0-9]*)$/.test(quantity)) continue
    throw new PermanentError(`Not a quantity of ${name}: ${JSON.stringify(quantity)}`)
  }
}
