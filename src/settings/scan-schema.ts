import { z } from 'zod'
import { severities } from '../builds/scan.ts'
import { databaseFault } from './image-reference.ts'
import { nameOfSecret, repositoryPath, text } from './schema-text.ts'

const place = text(databaseFault)

const database = z
  .strictObject({
    repository: place
      .optional()
      .describe(
        "Of vulnerabilities: registry.acme.io/mirror/trivy-db:2. Default: those of Trivy's makers, on the internet.",
      ),
    javaRepository: place
      .optional()
      .describe('The one that Java archives want beside it. Default: likewise.'),
    secret: nameOfSecret
      .optional()
      .describe('Its login: a dockerconfigjson Secret in BUILD_NAMESPACE. Default: none.'),
  })
  .describe("Where Trivy fetches its databases. Default: where Trivy's makers publish them.")

const scan = z
  .strictObject({
    enabled: z.boolean().optional().describe('Default: true, where anything is said of a scan.'),
    severity: z
      .array(z.enum(severities))
      .min(1, 'is empty (leave the key out for the default)')
      .optional()
      .describe('The severities that count. Default: [HIGH, CRITICAL].'),
    ignoreUnfixed: z
      .boolean()
      .optional()
      .describe('Leave out what no newer version of the package mends. Default: false.'),
    ignoreFile: repositoryPath
      .optional()
      .describe(
        "The repository's own list of findings to leave out, where it has one: .trivyignore or .trivyignore.yaml, relative to its root. Default: none is read.",
      ),
    onFindings: z
      .enum(['fail', 'warn'])
      .optional()
      .describe(
        'fail: the build fails and nothing is published; warn: the status says what was found. Default: fail.',
      ),
    database: database.optional(),
  })
  .describe(
    'Look for known vulnerabilities (Trivy) in the image before any tag is moved; it is then published apart. Default: no scan.',
  )

export const scanKeys: readonly string[] = Object.keys(scan.shape)
export const databaseKeys: readonly string[] = Object.keys(database.shape)

/** What an image may say about being scanned. */
export const scanSettings = { scan: scan.optional() }
