import { createAppAuth } from '@octokit/auth-app'
import { z } from 'zod'
import type { Repository } from '../../builds/push-event.ts'
import { PermanentError } from '../../errors.ts'
import type { Api } from '../api.ts'
import type { ForgeLogin, ForgeSettings } from '../forge.ts'
import { configuredToken } from '../login.ts'

export type Permission = 'contents: read' | 'statuses: write'

/**
 * A token that may do this in the repository. `refused`: one that GitHub does not take any more, as after it was revoked;
 * another is made in its place where that can be. Throws PermanentError or RetryLater.
 */
export type TokenSource = (
  repository: Repository,
  permission: Permission,
  refused?: string,
) => Promise<string>

/** Installation tokens live an hour; one is handed out only while half of that is left. */
const enoughMs = 30 * 60_000

const installationSchema = z.object({ id: z.int() })
const tokenSchema = z.object({ token: z.string().min(1), expires_at: z.iso.datetime() })

interface Token {
  readonly value: string
  readonly expiresAt: number
}

/** GitHub counts what the App asks about itself apart from what its installations ask. */
export const appAccount = 'app'

export type AppLogin = Extract<ForgeLogin, { appId: string }>

/** Signs the JSON Web Token that says who the App is. Throws PermanentError for a key that is none. */
export function createSigner(app: AppLogin): () => Promise<string> {
  return async () => {
    try {
      return (await createAppAuth(app)({ type: 'app' })).token
    } catch {
      // The cause may quote the key.
      throw new PermanentError(
        'GitHub App: is GITHUB_APP_PRIVATE_KEY the private key of the App, whole and in PEM?',
      )
    }
  }
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  throw new PermanentError(
    'GitHub App: the API answered what is no token: is GITHUB_API_URL right?',
  )
}

/** By id: whatever has the name by now, the token is of the repository that was pushed to. */
const whichOne = ({ id, path }: Repository): object =>
  id === '' ? { repositories: [path.split('/').at(-1)] } : { repository_ids: [Number(id)] }

/**
 * Tokens of a GitHub App, each for one repository and one permission. They are kept while they are
 * fresh: GitHub takes no more than 80 requests a minute that create something.
 */
function createAppTokens(app: AppLogin, api: Api): TokenSource {
  const sign = createSigner(app)
  const kept = new Map<string, Token>()
  const pending = new Map<string, Promise<Token>>()

  async function create(repository: Repository, permission: Permission): Promise<Token> {
    const token = await sign()
    const login = { header: 'authorization', scheme: 'Bearer', token, account: appAccount }
    const installation = await api.call({
      method: 'GET',
      path: ['repos', ...repository.path.split('/'), 'installation'],
      login,
      what: 'the installation of the App',
      check: `is the App installed on ${repository.path}?`,
    })
    const { id } = parse(installationSchema, installation)
    const answer = await api.call({
      method: 'POST',
      path: ['app', 'installations', String(id), 'access_tokens'],
      login,
      body: {
        ...whichOne(repository),
        permissions: Object.fromEntries([permission.split(': ')]),
      },
      what: `a token with ${permission}`,
      check: `has the App that permission, and is it installed on ${repository.path}?`,
    })
    const { token: value, expires_at: end } = parse(tokenSchema, answer)
    return { value, expiresAt: Date.parse(end) }
  }

  return async (repository, permission, refused) => {
    for (const [key, { expiresAt }] of kept) {
      if (expiresAt - Date.now() <= enoughMs) kept.delete(key)
    }
    // Both: an id under a name of somebody else's choice gets no token that was made for the other.
    const key = `${repository.id} ${repository.path} ${permission}`
    const known = kept.get(key)
    if (known && known.value !== refused) return known.value

    const creation =
      pending.get(key) ?? create(repository, permission).finally(() => pending.delete(key))
    pending.set(key, creation)
    const token = await creation
    kept.set(key, token)
    return token.value
  }
}

/** Tokens from what is configured: an App's, made for the purpose, or the one personal token. */
export const createTokenSource = (login: ForgeSettings['login'], api: Api): TokenSource =>
  login && 'appId' in login
    ? createAppTokens(login, api)
    : async () => configuredToken('GitHub', login)
