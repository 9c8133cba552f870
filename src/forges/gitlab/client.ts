import { z } from 'zod'
import { parseRef } from '../../builds/push-event.ts'
import { saying, type ApiAnswer } from '../api-errors.ts'
import { createApi, isSuccess, type Budget } from '../api.ts'
import { cloneUrl, sshUrl } from '../clone-url.ts'
import {
  needOf,
  type CommitStatus,
  type ForgeClient,
  type ForgeSettings,
  type StatusPost,
} from '../forge.ts'
import { findRepository } from '../found-repository.ts'
import { configuredToken } from '../login.ts'

/** A skipped image is a success: GitLab's `skipped` does not satisfy a required pipeline. */
const states = {
  queued: 'pending',
  building: 'running',
  success: 'success',
  skipped: 'success',
  failure: 'failed',
  error: 'failed',
  cancelled: 'canceled',
} as const satisfies Record<CommitStatus['state'], string>

/** GitLab refuses to show what it shows already, or what came before it: nothing is left to do. */
const isShown = (answer: ApiAnswer) =>
  answer.status === 400 && /Cannot transition status via/i.test(saying(answer.body))

const answerSchema = z.object({ pipeline_id: z.int().nullish() })

/**
 * https://docs.gitlab.com/api/commits/#set-commit-pipeline-status. The memory is the pipeline that
 * GitLab put the first status in: without it later ones may land in another, and a merge request
 * waits for the first for ever.
 */
export function createGitlabClient(settings: ForgeSettings, budget?: Budget): ForgeClient {
  const api = createApi({ forge: 'GitLab', baseUrl: settings.apiUrl, budget })
  const token = () => configuredToken('GitLab', settings.login)

  const requestOf = (
    { repository, sha, ref, headBranch, status }: StatusPost,
    pipeline?: string,
  ) => ({
    method: 'POST' as const,
    path: ['projects', repository.id, 'statuses', sha],
    login: { header: 'private-token', token: token() },
    body: {
      state: states[status.state],
      // A merge request shows the pipelines of the branch that it comes from.
      ref: headBranch ?? parseRef(ref).name,
      name: status.context,
      description: status.description,
      target_url: status.targetUrl,
      ...(pipeline === undefined ? {} : { pipeline_id: Number(pipeline) }),
    },
    need: needOf(status),
    what: 'the status',
    check: `does the token see ${repository.path} with the scope api, as Developer or above?`,
  })

  return {
    cloneUrl: (repository) => cloneUrl(settings, repository),
    sshUrl: (repository) => sshUrl(settings, repository),

    credential: async () => ({ username: 'oauth2', password: token() }),

    find: ({ path }) =>
      findRepository(api, {
        path: ['projects', path],
        login: { header: 'private-token', token: token() },
      }),

    async postStatus(post) {
      const request = requestOf(post, post.memory)
      let answer = await api.send(request)
      // The pipeline was deleted, or is none of this ref: GitLab finds or makes another.
      if (answer.status === 404 && post.memory !== undefined) {
        answer = await api.send(requestOf(post))
      }
      if (isShown(answer)) return post.memory
      if (!isSuccess(answer)) throw api.error(request, answer)
      const { data } = answerSchema.safeParse(answer.body)
      return data?.pipeline_id?.toString() ?? post.memory
    },
  }
}
