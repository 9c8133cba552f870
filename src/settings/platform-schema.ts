import { z } from 'zod'
import { duration, matching } from './schema-text.ts'

const platform = matching(
  '^linux/[a-z0-9]{1,10}(/v[0-9]{1,2})?$',
  'is not a platform (write e.g. linux/amd64)',
)

const platforms = z
  .array(platform)
  .min(1, "is empty (name one platform, or leave the key out for the node's own)")
  .max(1, 'more than one platform per image is not supported by this version (keep one)')

/** What an image may say about the platforms that it is for. */
export const platformSettings = {
  platforms: platforms
    .optional()
    .describe(
      "One platform, such as linux/arm64: the image is built on a node of it. Default: the node's own.",
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
