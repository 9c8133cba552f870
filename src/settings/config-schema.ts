import { z } from 'zod'
import { globFault } from './globs.ts'
import { globs, image, imageSettings, upload } from './image-schema.ts'
import { isRegistryHost, isRegistryMirror } from './image-reference.ts'
import { nameOfNamespace, nameOfSecret, nameOfWebhookSecret, text } from './schema-text.ts'

/**
 * The shape of kanihook.yaml. The descriptions go into the JSON schema that editors show, the
 * messages into the list of faults: what is wrong, and in brackets what to write instead.
 */
const match = text((glob) => {
  if (glob.includes('://')) return `"${glob}" is a URL (leave out ${glob.split('://')[0]}://)`
  if (glob.endsWith('.git')) return `"${glob}" ends with .git (leave that out)`
  if (!glob.includes('/') && !glob.includes('**')) {
    return `"${glob}" has no path (write host/path, e.g. github.com/acme/*)`
  }
  if (/^\/|\/$/.test(glob)) return `"${glob}" has a / at an end (write host/path)`
  return globFault(glob)
})
  .describe('Glob of host[:port]/path, whatever the case. The first entry that matches decides.')
  .meta({ examples: ['github.com/acme/*', 'gitlab.com/group/**'] })

const entry = z.strictObject({
  match,
  branches: globs
    .optional()
    .describe("Branches that are built. Default: the repository's default branch."),
  tags: globs.optional().describe('Git tags that are built. Default: none.'),
  pullRequests: z
    .enum(['never', 'trusted', 'approved'])
    .optional()
    .describe(
      'Pull requests into branches that are built: none; those from branches of the repository itself; or beside those each commit of others that kanihook approve names. Default: never.',
    ),
  destination: imageSettings.destination,
  pushSecret: imageSettings.pushSecret,
  pullSecret: imageSettings.pullSecret,
  report: z
    .enum(['each', 'summary'])
    .optional()
    .describe(
      'A commit status for each image, or one for all images of a push, called kanihook. Default: each.',
    ),
  repositoryFile: z
    .enum(['read', 'ignore'])
    .optional()
    .describe(
      'Whether a repository may shape its builds by a .kanihook.yaml of its own. Default: read.',
    ),
  cloneSecret: nameOfSecret
    .optional()
    .describe(
      "A Secret in the namespace of its builds that git logs in with: kubernetes.io/ssh-auth (a deploy key, and known_hosts) or kubernetes.io/basic-auth. Default: none, the forge's own login.",
    ),
  namespace: nameOfNamespace
    .optional()
    .describe(
      'The namespace that its builds run in and its Secrets are in; the worker needs its Role there. Default: BUILD_NAMESPACE.',
    ),
  webhookSecret: nameOfWebhookSecret
    .optional()
    .describe(
      'The file in WEBHOOK_SECRETS_DIR whose secrets, and no others, sign webhooks of these repositories; they sign for no other entry. Default: none, the secrets of the forge.',
    ),
  images: z
    .array(image)
    .min(1, 'is empty (leave the key out for one image named after the repository)')
    .optional()
    .describe('What is built from it. Default: one image named after the repository.'),
})

const registryHost = text((name) =>
  isRegistryHost(name)
    ? undefined
    : `"${name}" is not a registry's host[:port] (write e.g. registry.acme.io:5000)`,
)
const registry = z.strictObject({
  host: registryHost.describe("host[:port], as in an image's name."),
  insecure: z.boolean().optional().describe('Speak plain HTTP. Default: false.'),
  skipTlsVerify: z.boolean().optional().describe('Do not verify its certificate. Default: false.'),
  mirror: text((name) =>
    isRegistryMirror(name)
      ? undefined
      : `"${name}" is not host[:port][/path] (write e.g. mirror.acme.io/hub)`,
  )
    .optional()
    .describe('Pull images of this registry from host[:port][/path] instead. Default: none.'),
})

export const configSchema = z
  .strictObject({
    defaults: z
      .strictObject(imageSettings)
      .optional()
      .describe('What images say unless they say else themselves. Default: nothing.'),
    registries: z
      .array(registry)
      .optional()
      .describe('Registries that differ from a public one over HTTPS. Default: none.'),
    repositories: z.array(entry).describe('What is built. The first entry that matches decides.'),
    uploads: z
      .array(upload)
      .optional()
      .describe('Images that are built of a folder by kanihook build. Default: none.'),
  })
  .describe('What kanihook builds, and where it pushes.')

export type ConfigFile = z.output<typeof configSchema>
export type ImageSettings = NonNullable<ConfigFile['defaults']>

/** Keys by the place where they are known, to say where a misplaced one belongs. */
export const knownKeys = {
  file: Object.keys(configSchema.shape),
  entry: Object.keys(entry.shape),
  image: Object.keys(image.shape),
  upload: Object.keys(upload.shape),
  registry: Object.keys(registry.shape),
} as const

/** Keys of the contract that this version does not act on. */
export const unsupportedKeys: ReadonlySet<string> = new Set(['certificate'])
