import { z } from 'zod'

// zstd knows more, but Kaniko takes the level for gzip where an image cannot have zstd.
const bounds = 'is not a level (a whole number from 1 to 9)'

const compression = z
  .strictObject({
    type: z
      .enum(['gzip', 'zstd'])
      .optional()
      .describe('zstd takes effect where the base image is an OCI one. Default: gzip.'),
    level: z
      .int({ error: bounds })
      .min(1, bounds)
      .max(9, bounds)
      .optional()
      .describe("1 to 9: more is smaller and slower. Default: the algorithm's own."),
  })
  .describe('How layers are compressed. Default: gzip.')

export const compressionKeys: readonly string[] = Object.keys(compression.shape)

/** What an image may say about how Kaniko makes its layers. */
export const layerSettings = {
  snapshotMode: z
    .enum(['full', 'redo', 'time'])
    .optional()
    .describe(
      'How changed files are found: by content, by size, times and owner (faster), or by time alone (may miss some). Default: full.',
    ),
  singleSnapshot: z
    .boolean()
    .optional()
    .describe('One layer for all steps of a stage; not together with the cache. Default: false.'),
  reproducible: z
    .boolean()
    .optional()
    .describe(
      'No times in the image, so that the same commit gives the same digest; it takes memory. Default: false.',
    ),
  compression: compression.optional().describe('How layers are compressed. Default: gzip.'),
}
