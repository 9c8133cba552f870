import type { V1Job } from '@kubernetes/client-node'
import type { JobRequest } from '../builds/ports.ts'
import { jobManifest, type JobSettings } from './job-manifest.ts'
import { taskRunManifest } from './tekton/manifest.ts'
import type { TaskRun } from './tekton/task-run.ts'

/** What a worker makes in the cluster for a build: by its plan, a Job or a TaskRun. Pure. */
export const buildManifest = (request: JobRequest, settings: JobSettings): V1Job | TaskRun =>
  request.build.plan.backend === 'tekton'
    ? taskRunManifest(request, settings)
    : jobManifest(request, settings)
