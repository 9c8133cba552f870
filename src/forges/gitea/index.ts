import type { ForgeDriver } from '../forge.ts'
import { createGiteaClient } from './client.ts'
import { examineGitea } from './examine.ts'
import { createGiteaWebhooks } from './webhooks.ts'

/** Gitea, and Forgejo, which speaks the same protocol. */
export const gitea: ForgeDriver = {
  name: 'gitea',
  defaultUrl: 'https://gitea.com',
  isSelfHosted: true,
  apiUrl: (url) => `${url}/api/v1`,
  hasApps: false,
  webhooks: createGiteaWebhooks,
  client: createGiteaClient,
  examine: examineGitea,
}
