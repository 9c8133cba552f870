import { z } from 'zod'
import type { Repository } from '../builds/push-event.ts'
import { PermanentError } from '../errors.ts'
import { isSuccess, type Api, type ApiRequest } from './api.ts'
import { repositoryIdSchema, repositoryPathSchema } from './push-payload.ts'

/** GitHub and Gitea name the whole path `full_name`, GitLab `path_with_namespace`. */
const schema = z.object({
  id: repositoryIdSchema,
  full_name: repositoryPathSchema.optional(),
  path_with_namespace: repositoryPathSchema.optional(),
})

/**
 * Asks a forge's API about a repository. Undefined where there is none (404). Throws as `Api.call`, and
 * PermanentError for an answer that is no repository.
 */
export async function findRepository(
  api: Api,
  { path, login }: Pick<ApiRequest, 'path' | 'login'>,
): Promise<Pick<Repository, 'id' | 'path'> | undefined> {
  const request: ApiRequest = {
    method: 'GET',
    path,
    login,
    what: 'the question about the repository',
    check: 'may the token read it?',
  }
  const answer = await api.send(request)
  if (answer.status === 404) return undefined
  if (!isSuccess(answer)) throw api.error(request, answer)
  const { data } = schema.safeParse(answer.body)
  const found = data?.path_with_namespace ?? data?.full_name
  if (data && found !== undefined) return { id: data.id, path: found }
  throw new PermanentError("the forge's API answered what is no repository: is its URL right?")
}
