import type { SettingsWarning } from './settings.ts'

/** Reads one text; throws an Error that says what is wrong with it without repeating it. */
export type Parser<T> = (text: string) => T

export type ReadFile = (path: string) => string

/** Variables of the environment, each readable as `X` or from the file that `X_FILE` names. */
export interface Variables {
  /** The parsed value; undefined where the variable is at fault, unset, or empty, which is the same. */
  readonly optional: <T>(name: string, parse: Parser<T>) => T | undefined
  /** As above, with a default. */
  readonly read: <T>(name: string, parse: Parser<T>, byDefault: T) => T
  /** Comma-separated secrets; empty where the variable is unset. An empty item is a fault. */
  readonly secrets: (name: string) => readonly string[]
  /** Whether `X` or `X_FILE` says anything. */
  readonly isSet: (name: string) => boolean
  readonly faults: string[]
  readonly warnings: SettingsWarning[]
}

/** Faults and warnings name the variable and never hold its value. */
export function createVariables(
  env: Readonly<Record<string, string | undefined>>,
  readFile: ReadFile,
): Variables {
  const faults: string[] = []
  const warnings: SettingsWarning[] = []

  /** The text and the name of the variable that it came by. */
  function text(name: string): { value: string; from: string } | undefined {
    const direct = env[name]
    const file = env[`${name}_FILE`]
    if (!file) return direct === undefined ? undefined : { value: direct, from: name }
    if (direct) {
      faults.push(`${name} and ${name}_FILE are both set (keep one)`)
      return undefined
    }
    try {
      return { value: readFile(file).replace(/\r?\n$/, ''), from: `${name}_FILE` }
    } catch (error) {
      const { code = 'unknown error' } = error as NodeJS.ErrnoException
      faults.push(`${name}_FILE: the file cannot be read: ${code} (mount it, or set ${name})`)
      return undefined
    }
  }

  function optional<T>(name: string, parse: Parser<T>): T | undefined {
    const found = text(name)
    if (found === undefined || (found.value === '' && found.from === name)) return undefined
    try {
      if (found.value.trim() === '') throw new Error('is empty (give it a value, or unset it)')
      return parse(found.value.trim())
    } catch (error) {
      faults.push(`${found.from} ${(error as Error).message}`)
      return undefined
    }
  }

  return {
    faults,
    warnings,
    optional,
    read: (name, parse, byDefault) => optional(name, parse) ?? byDefault,
    isSet: (name) => Boolean(env[name] || env[`${name}_FILE`]),
    secrets(name) {
      const found = text(name)
      if (found === undefined) return []
      const secrets = found.value.split(',').map((secret) => secret.trim())
      if (secrets.includes('')) {
        faults.push(
          `${found.from} holds an empty secret (give it secrets joined by single commas, or unset it)`,
        )
      } else if (secrets.some((secret) => secret.length < 16)) {
        const message = `${found.from} holds a secret of fewer than 16 characters, which can be guessed (openssl rand -hex 32 makes a good one)`
        warnings.push({ variable: name, message })
      }
      return secrets
    },
  }
}
