import { createApi, type Api, type Budget } from '../api.ts'

/** https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits */
const pace = { perMinute: 80, perHour: 500 }

/** GitHub's REST API, in the version that kanihook knows. `timeoutMs`: for each answer. */
export const createGithubApi = (
  baseUrl: string,
  { timeoutMs, budget }: { readonly timeoutMs?: number; readonly budget?: Budget | undefined } = {},
): Api =>
  createApi({
    forge: 'GitHub',
    baseUrl,
    headers: { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' },
    pace,
    budget,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  })
