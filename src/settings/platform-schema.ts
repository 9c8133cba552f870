import { z } from 'zod'
import { platformFault, platformPattern } from './platform-name.ts'
import { duration, text } from './schema-text.ts'

const platform = text(platformFault).meta({ pattern: platformPattern })

/** An ARM of 64 bits is v8 where nothing else is said. */
const normal = (name: string): string => name.replace(/^linux\/arm64\/v8$/, 'linux/arm64')

/** A build counts once for the limits, and each of its platforms is a pod. */
const most = 8

const platforms = z
  .array(platform)
  .max(most, `are more than ${most} (each is a Job of its own: name those that somebody uses)`)
  .min(1, "is empty (name a platform, or leave the key out for the node's own)")
  .superRefine((list, context) => {
    for (const [index, name] of list.entries()) {
      const first = list.findIndex((other) => normal(other) === normal(name))
      if (first === index) continue
      const message = `is the platform of platforms[${first}] once more (leave one out)`
      context.addIssue({ code: 'custom', message, path: [index] })
    }
  })

/** What an image may say about the platforms that it is for. */
export const platformSettings = {
  platforms: platforms
    .optional()
    .describe(
      "Platforms of the image, such as linux/arm64. Each is built on a node of its own; several are pushed as one OCI index. Default: the node's own.",
    ),
  crossBuild: z
    .boolean()
    .optional()
    .describe(
      'Build for platforms on any node: for Dockerfiles that run no program of the platform. Default: false.',
    ),
  nodeTimeout: duration
    .optional()
    .describe(
      'How long a build waits for a node of its platform where the cluster has none and no autoscaler adds one. Default: 1m.',
    ),
}
