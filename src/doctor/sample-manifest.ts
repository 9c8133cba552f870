import type { V1Job } from '@kubernetes/client-node'
import type { BackendName, Build } from '../builds/build.ts'
import { exampleBuild } from '../builds/example-build.ts'
import { planImage } from '../builds/image-plan.ts'
import { buildManifest } from '../cluster/build-manifest.ts'
import type { TaskRun } from '../cluster/tekton/task-run.ts'
import { jobSettings } from '../cluster/job-manifest.ts'
import type { Config, ImageConfig } from '../settings/config.ts'
import type { Settings } from '../settings/settings.ts'

const imagesOf = (config: Config | undefined): readonly ImageConfig[] =>
  config?.entries.flatMap((entry) => entry.images) ?? []

const backendOf = ({ backend = 'job' }: ImageConfig): BackendName => backend

/** What builds are in the cluster, by kanihook.yaml. */
export const backendsOf = (config: Config | undefined): ReadonlySet<BackendName> =>
  new Set(imagesOf(config).map(backendOf))

/**
 * The Job or TaskRun that a push would make, for the first image of kanihook.yaml with that backend, or
 * undefined where there is none. For the API to judge and not to keep.
 */
export function sampleManifest(
  settings: Settings,
  config: Config | undefined,
  backend: BackendName,
): V1Job | TaskRun | undefined {
  const image = imagesOf(config).find((each) => backendOf(each) === backend)
  const [forge] = settings.forges.entries()
  if (!config || !image || !forge) return undefined
  const [name, { url }] = forge
  const request = {
    build: sampleBuild(image, name, new URL(url).host),
    tries: 1,
    cloneUrl: `${url}/kanihook/doctor.git`,
    credential: { username: 'kanihook', password: '' },
  }
  return buildManifest(request, jobSettings(settings, config.registries))
}

function sampleBuild(image: ImageConfig, forge: string, host: string): Build {
  const repository = { forge, id: '0', host, path: 'kanihook/doctor' }
  const rule = { ...image, name: image.name ?? 'doctor', paths: undefined }
  const [ref, sha] = ['refs/heads/main', '0'.repeat(40)]
  const { plan } = planImage(rule, repository, ref, sha, Date.now())
  const identity = { repository, ref, sha, image: rule.name }
  return exampleBuild({ identity, plan, cause: 'kanihook doctor', now: Date.now() })
}
