import type { V1Job } from '@kubernetes/client-node'
import type { Build } from '../builds/build.ts'
import { exampleBuild } from '../builds/example-build.ts'
import { planImage } from '../builds/image-plan.ts'
import { jobManifest } from '../cluster/job-manifest.ts'
import type { Config, ImageConfig } from '../settings/config.ts'
import type { Settings } from '../settings/settings.ts'

/**
 * The Job that a push would make, for the first image of kanihook.yaml, or undefined where there is
 * none. For the API to judge and not to keep.
 */
export function sampleJob(settings: Settings, config: Config | undefined): V1Job | undefined {
  const image = config?.entries.flatMap((entry) => entry.images)[0]
  const [forge] = settings.forges.entries()
  if (!config || !image || !forge) return undefined
  const [name, { url }] = forge
  const request = {
    build: sampleBuild(image, name, new URL(url).host),
    tries: 1,
    cloneUrl: `${url}/kanihook/doctor.git`,
    credential: { username: 'kanihook', password: '' },
  }
  const { buildNamespace: namespace, kanikoImage, cloneImage } = settings
  const job = jobManifest(request, {
    namespace,
    kanikoImage,
    cloneImage,
    registries: config.registries,
  })
  return job
}

function sampleBuild(image: ImageConfig, forge: string, host: string): Build {
  const repository = { forge, id: '0', host, path: 'kanihook/doctor' }
  const rule = { ...image, name: image.name ?? 'doctor', paths: undefined }
  const [ref, sha] = ['refs/heads/main', '0'.repeat(40)]
  const { plan } = planImage(rule, repository, ref, sha, Date.now())
  const identity = { repository, ref, sha, image: rule.name }
  return exampleBuild({ identity, plan, cause: 'kanihook doctor', now: Date.now() })
}
