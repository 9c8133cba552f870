import { createApi, type Api } from '../api.ts'

/** GitHub's REST API, in the version that kanihook knows. `timeoutMs`: for each answer. */
export const createGithubApi = (baseUrl: string, timeoutMs?: number): Api =>
  createApi({
    forge: 'GitHub',
    baseUrl,
    headers: { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' },
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  })
