import { z } from 'zod'
import { backendNames } from '../builds/build.ts'
import { logFormats, verbosities } from '../builds/image-plan.ts'
import { buildArgumentFault, secretArgumentFault } from './build-arguments.ts'
import { globFault } from './globs.ts'
import { destinationFault } from './image-reference.ts'
import { layerSettings } from './layer-schema.ts'
import { platformSettings } from './platform-schema.ts'
import { podSettings } from './pod-schema.ts'
import { quantityFault } from './quantity.ts'
import { scanSettings } from './scan-schema.ts'
import { duration, matching, nameOfSecret, repositoryPath, text } from './schema-text.ts'
import { destinationVariables, tagFault, templateFault, valueVariables } from './templates.ts'

const pushSecret = nameOfSecret.describe(
  'A dockerconfigjson Secret in BUILD_NAMESPACE: the login of the registry. Default: none, for a registry that asks for no login.',
)
const pullSecret = nameOfSecret.describe(
  "With publish: apart, the login of the build's container, for base images and the cache: a dockerconfigjson Secret in BUILD_NAMESPACE. RUN steps can read it. Default: none.",
)

export const imageName = matching(
  '^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$',
  'cannot be the name of an image (at most 63 letters, digits, . _ -, with a letter or digit at both ends)',
).describe('Names the commit status: kanihook/<name>.')

export const globs = z.array(text(globFault))

const quantities = z.record(
  matching(
    '^(cpu|memory|ephemeral-storage|[a-z0-9.-]+/[A-Za-z0-9._-]+)$',
    'is not a resource (cpu, memory, ephemeral-storage, or a name with a / such as nvidia.com/gpu)',
  ),
  z.union([z.string(), z.number()], { error: 'is not a quantity (write e.g. "500m" or 2Gi)' }),
)
const resources = z
  .strictObject({
    requests: quantities
      .optional()
      .describe('What the node must have free. Default: what the namespace says.'),
    limits: quantities
      .optional()
      .describe('What the build may use at most. Default: what the namespace says.'),
  })
  .superRefine((value, context) => {
    for (const kind of ['requests', 'limits'] as const) {
      for (const [resource, quantity] of Object.entries(value[kind] ?? {})) {
        const message = quantityFault(resource, String(quantity))
        if (message) context.addIssue({ code: 'custom', message, path: [kind, resource] })
      }
    }
  })
  .describe("Kubernetes requests and limits of the build's container. Default: none.")

/** The text of a build argument or a label. */
export const value = text((template) => templateFault(template, valueVariables))

const secretKey = z.strictObject({
  secret: nameOfSecret.describe('A Secret in BUILD_NAMESPACE.'),
  key: matching(
    '^[A-Za-z0-9._-]{1,253}$',
    'cannot be the key of a Secret (letters, digits, . _ -)',
  ).describe('Its key that holds the value.'),
})

export const argumentName = text((name) => buildArgumentFault(name))

const buildArgs = z
  .record(argumentName, z.union([value, secretKey]))
  .superRefine((args, context) => {
    for (const [name, argument] of Object.entries(args)) {
      const message = typeof argument === 'string' ? undefined : secretArgumentFault(name)
      if (message) context.addIssue({ code: 'custom', message, path: [name] })
    }
  })

const destination = text(
  (template) => templateFault(template, destinationVariables) ?? destinationFault(template),
).meta({ examples: ['registry.acme.io/{owner}/{repo}'] })

const cache = z
  .strictObject({
    enabled: z.boolean().optional().describe('Keep layers in the registry. Default: false.'),
    ttl: duration.optional().describe('How long a kept layer is used. Default: 336h.'),
    repository: destination
      .optional()
      .describe('Where layers are kept. Default: /cache below the (first) destination.'),
    copyLayers: z
      .boolean()
      .optional()
      .describe('Keep the layers of COPY too, not of RUN alone. Default: false.'),
  })
  .describe('Layers kept in the registry between builds. Default: off.')

const destinations = z.union(
  [
    destination,
    z
      .array(destination)
      .min(1, 'is empty (name a place, or leave the key out for that of defaults)')
      .refine((list) => new Set(list).size === list.length, {
        error: 'names a place twice (keep one)',
      }),
  ],
  { error: 'is not a place (write e.g. registry.acme.io/team/app, or a list of such)' },
)

/** What both `defaults` and an image may say. */
export const imageSettings = {
  destination: destinations
    .optional()
    .describe(
      "Where the image is pushed: registry.acme.io/team/app, without a tag; {owner} and {repo} may stand in the path. A list pushes it to each of them. Each image needs one: its own, its entry's, or that of defaults.",
    ),
  tags: z
    .array(text(tagFault))
    .min(1, 'is empty (leave the key out for the default)')
    .optional()
    .describe('Tags of the image. Default: ["{branch}", "{tag}", "{shortSha}"].'),
  context: repositoryPath
    .optional()
    .describe("Folder that the build sees, relative to the repository's root. Default: the root."),
  dockerfile: repositoryPath
    .optional()
    .describe("Relative to the repository's root. Default: the Dockerfile in the context."),
  target: matching(
    '^[A-Za-z0-9][A-Za-z0-9_.-]*$',
    'is not the name of a stage (letters, digits, _ . -)',
  )
    .optional()
    .describe('Stage of the Dockerfile. Default: the last one.'),
  buildArgs: buildArgs
    .optional()
    .describe(
      'Values of ARG: text, which may hold the variables of tags, and {owner}, {repo}; or { secret, key }. Default: none.',
    ),
  labels: z
    .record(
      matching('^[A-Za-z0-9][A-Za-z0-9._/-]*$', 'cannot be a label (letters, digits, . _ / -)'),
      value,
    )
    .optional()
    .describe(
      'Labels of the image, beside its revision, ref, source and time (org.opencontainers.image.…). They may hold the variables of tags, and {owner}, {repo}. Default: none.',
    ),
  paths: z
    .strictObject({
      include: globs.optional().describe('Files that concern it. Default: every file.'),
      exclude: globs
        .optional()
        .describe('Files that do not, whatever include says. Default: none.'),
    })
    .optional()
    .describe(
      'Files that concern the image: globs relative to the root. A push to a branch is skipped when none of them changed since its last success. Default: every file.',
    ),
  ...platformSettings,
  backend: z
    .enum(backendNames)
    .optional()
    .describe(
      'What a build is in the cluster: a Job, or a TaskRun where Tekton is installed. Default: job.',
    ),
  resources: resources.optional(),
  ...podSettings,
  cache: cache.optional(),
  ...layerSettings,
  publish: z
    .enum(['together', 'apart'])
    .optional()
    .describe(
      'Who pushes: Kaniko (together), or a container of its own (apart), so that no RUN step sees the push login. Default: together.',
    ),
  ...scanSettings,
  pushSecret: pushSecret.optional(),
  pullSecret: pullSecret.optional(),
  timeout: duration
    .optional()
    .describe('From the start of the clone to the end of the push. Default: 30m.'),
  startTimeout: duration
    .optional()
    .describe('How long a build may wait for the cluster. Default: 10m.'),
  submodules: z
    .boolean()
    .optional()
    .describe('Clone submodules too, at the commits that are recorded. Default: false.'),
  lfs: z
    .boolean()
    .optional()
    .describe(
      'Fetch what Git LFS keeps of the commit, of submodules too. Without it such files are pointers. Default: false.',
    ),
  sparse: z
    .boolean()
    .optional()
    .describe(
      'Fetch no files but those of the context, the Dockerfile and its ignore file. Default: false.',
    ),
  verbosity: z.enum(verbosities).optional().describe('How much Kaniko says. Default: info.'),
  logFormat: z
    .enum(logFormats)
    .optional()
    .describe(
      'How the lines of Kaniko look to whoever reads the log of the pod; statuses and pages are the same with each. Default: text.',
    ),
}

export const image = z.strictObject({ name: imageName, ...imageSettings })

/** Keys that are about a repository, or about how it is cloned, and so of no meaning to an upload. */
export const ofRepositories = {
  context: true,
  paths: true,
  backend: true,
  submodules: true,
  lfs: true,
  sparse: true,
} as const

/**
 * An image that is built of an upload, which is the whole context, and of which no git tells what changed. A
 * TaskRun clones by a Task of its own, so it is a Job's.
 */
export const upload = image
  .omit(ofRepositories)
  .extend({ name: imageName.describe('What --image of kanihook build names.') })
