import { z } from 'zod'
import { argumentName, imageName, imageSettings, value } from './image-schema.ts'
import { isMapping } from './inherit.ts'

/** Where a repository may say how it is built. */
export const repositoryFileName = '.kanihook.yaml'

/** More images than this are refused: each is a build of every push. */
const most = 64

/** What kanihook itself says of each image, and what others rely on. */
const ownLabels = /^org\.opencontainers\.image\.(revision|source|created|ref\.name)$/

const literal = z.string({
  error: ({ input }) =>
    isMapping(input) && 'secret' in input
      ? 'a Secret is named by the kanihook.yaml of the installation alone (write text, or ask who runs kanihook)'
      : undefined,
})

/** The same value with another default: without it, the installation's own file says. */
const own = <T extends z.ZodType>(schema: T): T =>
  schema.describe(
    (schema.description ?? '').replace(/Default: .*$/s, 'Default: as the installation says.'),
  )

/** The shape of a build: all that its author knows better than who runs kanihook, and nothing that costs others. */
const shape = {
  context: own(imageSettings.context),
  dockerfile: own(imageSettings.dockerfile),
  target: own(imageSettings.target),
  tags: own(imageSettings.tags),
  buildArgs: z
    .record(argumentName, literal.pipe(value))
    .optional()
    .describe(
      'Values of ARG: text, which may hold the variables of tags, and {owner}, {repo}. Those that the installation says stay, unless one of the same name is here. Default: as the installation says.',
    ),
  labels: imageSettings.labels
    .unwrap()
    .superRefine((labels, context) => {
      for (const name of Object.keys(labels).filter((each) => ownLabels.test(each))) {
        const message = 'is what kanihook says of each image (remove it)'
        context.addIssue({ code: 'custom', message, path: [name] })
      }
    })
    .optional()
    .describe(
      'Labels of the image, beside those that the installation says. They may hold the variables of tags, and {owner}, {repo}. Default: none.',
    ),
  paths: own(imageSettings.paths),
  platforms: own(imageSettings.platforms),
}

const ownImage = z.strictObject({ name: imageName, ...shape })

/** The shape of a repository's `.kanihook.yaml`. */
export const repositorySchema = z
  .strictObject({
    ...shape,
    images: z
      .array(ownImage)
      .min(1, 'is empty (leave the key out for the images that the installation says)')
      .max(most, `are more than ${most} (split the repository, or join images)`)
      .optional()
      .describe(
        'What differs from image to image. Where the installation lists images, these are of the same names; where it lists none, each other name is an image at <destination>/<name>. Default: the images that the installation says.',
      ),
  })
  .describe('How a repository is built, as far as it may say so itself.')

export type RepositoryFile = z.output<typeof repositorySchema>
export type OwnSettings = Omit<RepositoryFile, 'images'>

/** Keys by the place where they are known. */
export const repositoryKeys = {
  file: Object.keys(repositorySchema.shape),
  image: Object.keys(ownImage.shape),
} as const
