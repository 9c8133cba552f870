import { createPublicKey, randomBytes, verify } from 'node:crypto'

export interface AppOptions {
  readonly id: string
  /** PEM; the stand-in takes the public half of it. */
  readonly privateKey: string
  /** Paths of the repositories that it is installed on; all of them, unless said. */
  readonly installedOn?: readonly string[]
  /** How many installations there are, and what the App may do; one and all it needs, unless said. */
  readonly installations?: number
  readonly permissions?: Readonly<Record<string, string>>
  /** Milliseconds; GitHub's are an hour. */
  readonly tokenLifeMs?: number
}

export interface InstallationToken {
  readonly token: string
  readonly expiresAt: number
  readonly permissions: Readonly<Record<string, string>>
  readonly repositoryIds: readonly number[]
}

interface Claims {
  readonly iss: unknown
  readonly iat: number
  readonly exp: number
}

/** The App side of the stand-in: believes only what the App's key signed, as GitHub does. */
export function createApp(options: AppOptions) {
  const { id, privateKey, installedOn, tokenLifeMs = 3_600_000 } = options
  const { installations = 1, permissions = { contents: 'read', statuses: 'write' } } = options
  const publicKey = createPublicKey(privateKey)
  const tokens = new Map<string, InstallationToken>()
  return {
    id,
    installations,
    permissions,
    isInstalledOn: (path: string) => installedOn?.includes(path) ?? true,

    /** Whether this is a JSON Web Token of the App: signed with RS256, of at most ten minutes. */
    isJwt(jwt: string): boolean {
      const [head = '', payload = '', signature = ''] = jwt.split('.')
      const signed = Buffer.from(`${head}.${payload}`)
      if (!verify('RSA-SHA256', signed, publicKey, Buffer.from(signature, 'base64url'))) {
        return false
      }
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims
      const now = Date.now() / 1000
      return (
        String(claims.iss) === id &&
        claims.iat <= now &&
        claims.exp > now &&
        claims.exp - claims.iat <= 600
      )
    },

    issue(
      permissions: InstallationToken['permissions'],
      repositoryIds: readonly number[],
    ): InstallationToken {
      const token = `ghs_${randomBytes(18).toString('hex')}`
      const issued = { token, permissions, repositoryIds, expiresAt: Date.now() + tokenLifeMs }
      tokens.set(token, issued)
      return issued
    },

    /** Ends every token that was issued so far, as an owner can. */
    revokeAll: (): void => tokens.clear(),

    /** The token, while it lives. */
    find(token: string): InstallationToken | undefined {
      const found = tokens.get(token)
      return found && found.expiresAt > Date.now() ? found : undefined
    },
  }
}

export type StandInApp = ReturnType<typeof createApp>
