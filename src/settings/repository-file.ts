import { ConfigError } from '../errors.ts'
import { repeated } from './config-conflicts.ts'
import { describeFaults, explainIssue } from './config-faults.ts'
import { knownKeys, unsupportedKeys } from './config-schema.ts'
import { isMapping } from './inherit.ts'
import {
  repositoryFileName,
  repositoryKeys,
  repositorySchema,
  type RepositoryFile,
} from './repository-schema.ts'
import { closest } from './suggestion.ts'
import { readYaml, type Fault, type Path, type YamlFile } from './yaml-file.ts'

/** Bytes of a repository's file; who pushes it is not who runs kanihook. */
export const maxRepositoryFile = 64 * 1024

/** A repository's own file whose values are right in themselves. */
export interface ReadRepositoryFile {
  readonly value: RepositoryFile
  /** Throws ConfigError where there are faults: those that only an entry shows. */
  refuse(faults: readonly Fault[]): void
}

/**
 * Reads a repository's `.kanihook.yaml`. Throws ConfigError with every fault, in the order of the file, each as
 * `.kanihook.yaml:3:5: images[0].dockerfile: what is wrong (what to write instead)`.
 */
export function readRepositoryFile(
  text: string,
  fileName: string = repositoryFileName,
): ReadRepositoryFile {
  if (Buffer.byteLength(text) > maxRepositoryFile) {
    throw new ConfigError([`${fileName}:1:1: is larger than 64 KiB (shorten it)`])
  }
  const file = parsed(text, fileName)
  const refuse = (faults: readonly Fault[]): void => {
    if (faults.length > 0) throw new ConfigError(describeFaults(faults, file, fileName))
  }
  if (file.value === undefined) refuse(file.faults)
  if (!isMapping(file.value)) {
    const empty = file.value === null
    const message = empty
      ? 'is empty (write e.g. dockerfile: docker/Dockerfile, or remove the file)'
      : 'must be a mapping (write e.g. dockerfile: docker/Dockerfile)'
    refuse([{ path: [], message }])
  }
  const result = repositorySchema.safeParse(file.value)
  const issues = result.success
    ? []
    : result.error.issues.flatMap((issue) => explainIssue(issue, file, unknownKey))
  refuse([...file.faults, ...issues, ...repeatedNames(file.value)])
  return { value: result.data!, refuse }
}

/** Text that a parser gives up on is refused like any other. */
function parsed(text: string, fileName: string): YamlFile {
  try {
    return readYaml(text)
  } catch {
    throw new ConfigError([`${fileName}:1:1: cannot be read as YAML (write it less deeply nested)`])
  }
}

function repeatedNames(value: unknown): Fault[] {
  const images = isMapping(value) && Array.isArray(value['images']) ? value['images'] : []
  return repeated(
    images.map((image: unknown) => (isMapping(image) ? image['name'] : undefined)),
    (i) => ['images', i, 'name'],
    (first) => `images[${first}] has the same name, whatever the case (merge the two)`,
  )
}

/** Keys of kanihook.yaml that are no business of a repository. */
const reserved: ReadonlySet<string> = new Set([
  ...Object.values(knownKeys).flat(),
  ...unsupportedKeys,
])

function unknownKey(key: string, path: Path): string {
  if (path.at(-1) === 'paths') return 'unknown key (known here: include, exclude)'
  const known = path.length === 0 ? repositoryKeys.file : repositoryKeys.image
  if (path.length === 0 && key === 'name') return 'unknown key (only an item of images has a name)'
  if (reserved.has(key)) {
    return 'only the kanihook.yaml of the installation says this (remove it, or ask who runs kanihook)'
  }
  const meant = closest(key, known)
  return meant
    ? `unknown key (did you mean "${meant}"?)`
    : `unknown key (known here: ${known.join(', ')})`
}
