import type { V1Job } from '@kubernetes/client-node'
import type { BackendName, Build } from '../builds/build.ts'
import { exampleBuild } from '../builds/example-build.ts'
import { planImage } from '../builds/image-plan.ts'
import { indexPart, type Part } from '../builds/parts.ts'
import { uploadRepository } from '../builds/upload.ts'
import { buildManifest } from '../cluster/build-manifest.ts'
import type { TaskRun } from '../cluster/tekton/task-run.ts'
import { jobSettings } from '../cluster/job-manifest.ts'
import { imagesOf, type Config, type ImageConfig } from '../settings/config.ts'
import type { Settings } from '../settings/settings.ts'

const backendOf = ({ backend = 'job' }: ImageConfig): BackendName => backend

/** What builds are in the cluster, by kanihook.yaml. */
export const backendsOf = (config: Config | undefined): ReadonlySet<BackendName> =>
  new Set(config && imagesOf(config).map(backendOf))

/** A Job or TaskRun that a build would make. For the API to judge and not to keep. */
export interface Sample {
  /** The platform that it is for, `index` for the one that joins several; undefined: any node's. */
  readonly of: string | undefined
  readonly manifest: V1Job | TaskRun
}

/**
 * What builds with that backend would make: one of any node, one of each platform, and one that joins
 * platforms, as far as kanihook.yaml has an image that wants it. Each is that of the first such image.
 */
export function sampleManifests(
  settings: Settings,
  config: Config | undefined,
  backend: BackendName,
): Sample[] {
  const [forge] = settings.forges.entries()
  if (!config || !forge) return []
  const [name, { url }] = forge
  const uploads: ReadonlySet<ImageConfig> = new Set(config.uploads)
  const cloneUrl = `${url}/kanihook/doctor.git`
  const wanted = new Map<Sample['of'], { image: ImageConfig; part: Part }>()
  for (const image of imagesOf(config).filter((each) => backendOf(each) === backend)) {
    for (const { of, part } of jobsOf(image)) {
      if (!wanted.has(of)) wanted.set(of, { image, part })
    }
  }
  return [...wanted].map(([of, { image, part }]) => {
    const build = uploads.has(image)
      ? sampleUpload(image)
      : samplePush(image, name, new URL(url).host)
    const credential = { username: 'kanihook', password: '' }
    const request = { build, part, tries: 1, cloneUrl, credential }
    return { of, manifest: buildManifest(request, jobSettings(settings, config.registries)) }
  })
}

const jobsOf = ({ platform, platforms }: ImageConfig): { of: Sample['of']; part: Part }[] =>
  platforms
    ? [...platforms, indexPart].map((part) => ({ of: part, part }))
    : [{ of: platform, part: undefined }]

function samplePush(image: ImageConfig, forge: string, host: string): Build {
  const repository = { forge, id: '0', host, path: 'kanihook/doctor' }
  return sampleBuild(image, repository, 'refs/heads/main', '0'.repeat(40))
}

function sampleUpload(image: ImageConfig): Build {
  const id = '0'.repeat(16)
  const repository = uploadRepository(image.name ?? 'doctor')
  const build = sampleBuild(image, repository, `refs/uploads/${id}`, '0'.repeat(64))
  return { ...build, plan: { ...build.plan, upload: { id, bytes: 0 } } }
}

function sampleBuild(
  image: ImageConfig,
  repository: Build['repository'],
  ref: string,
  sha: string,
): Build {
  const rule = { ...image, name: image.name ?? 'doctor', paths: undefined }
  const { plan } = planImage(rule, repository, ref, sha, Date.now())
  const identity = { repository, ref, sha, image: rule.name }
  return exampleBuild({ identity, plan, cause: 'kanihook doctor', now: Date.now() })
}
