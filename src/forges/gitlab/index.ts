import type { ForgeDriver } from '../forge.ts'
import { createGitlabClient } from './client.ts'
import { examineGitlab } from './examine.ts'
import { createGitlabWebhooks } from './webhooks.ts'

/** gitlab.com and self-managed GitLab. */
export const gitlab: ForgeDriver = {
  name: 'gitlab',
  defaultUrl: 'https://gitlab.com',
  isSelfHosted: false,
  apiUrl: (url) => `${url}/api/v4`,
  hasApps: false,
  webhooks: createGitlabWebhooks,
  client: createGitlabClient,
  examine: examineGitlab,
}
