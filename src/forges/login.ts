import { PermanentError } from '../errors.ts'
import type { ForgeSettings } from './forge.ts'

/**
 * The configured token of a forge that knows no Apps. Throws PermanentError where there is none, as
 * in a process without the worker role.
 */
export function configuredToken(forge: string, login: ForgeSettings['login']): string {
  if (login && 'token' in login) return login.token
  throw new PermanentError(`${forge} cannot be asked: ${forge.toUpperCase()}_TOKEN is not set`)
}
