import type { ForgeDriver } from '../forge.ts'
import { createGithubClient } from './client.ts'
import { examineGithub } from './examine.ts'
import { createGithubWebhooks } from './webhooks.ts'

/** github.com, GitHub Enterprise Cloud with data residency (`*.ghe.com`), GitHub Enterprise Server. */
function apiUrl(url: string): string {
  const { protocol, host } = new URL(url)
  const hasApiHost = host === 'github.com' || host.endsWith('.ghe.com')
  return hasApiHost ? `${protocol}//api.${host}` : `${url}/api/v3`
}

export const github: ForgeDriver = {
  name: 'github',
  defaultUrl: 'https://github.com',
  isSelfHosted: false,
  apiUrl,
  hasApps: true,
  webhooks: createGithubWebhooks,
  client: createGithubClient,
  examine: examineGithub,
}
