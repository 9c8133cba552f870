import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { findConflicts } from './config-conflicts.ts'
import { describeFaults, explainIssue } from './config-faults.ts'
import { configSchema } from './config-schema.ts'
import type { ConfigFile } from './config-schema.ts'
import type { Config } from './config.ts'
import { resolveConfig } from './resolve-config.ts'
import { readYaml } from './yaml-file.ts'
import type { Fault, YamlFile } from './yaml-file.ts'

/**
 * Reads kanihook.yaml. Throws ConfigError with every fault at once, in the order of the file:
 * `kanihook.yaml:12:7: repositories[0].images[1].name: what is wrong (what to write instead)`.
 */
export function parseConfig(text: string, fileName: string): Config {
  const file = readYaml(text)
  const { faults, config } = validate(file)
  if (!config) throw new ConfigError(describeFaults([...file.faults, ...faults], file, fileName))
  return resolveConfig(config)
}

function validate(file: YamlFile): { faults: Fault[]; config?: ConfigFile } {
  if (file.value === undefined) return { faults: [] }
  if (file.value === null) {
    return { faults: [{ path: [], message: 'the file is empty (see kanihook.example.yaml)' }] }
  }
  const result = configSchema.safeParse(file.value)
  const issues = result.success
    ? []
    : result.error.issues.flatMap((issue: z.core.$ZodIssue) => explainIssue(issue, file))
  const faults = [...issues, ...findConflicts(file.value)]
  if (!result.success || faults.length + file.faults.length > 0) return { faults }
  return { faults, config: result.data }
}
