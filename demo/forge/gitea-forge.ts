import { randomBytes } from 'node:crypto'
import { createGiteaClient } from '../../test/cluster/gitea-client.ts'
import type { Gitea } from '../../test/cluster/gitea.ts'
import type { DemoForge } from './forge.ts'

/** A private repository in a real Gitea; it is removed when the forge is closed. */
export async function useGitea(gitea: Gitea): Promise<DemoForge> {
  const client = createGiteaClient(gitea)
  const made = await client.createRepository(`hello-${randomBytes(3).toString('hex')}`)
  const webhookSecret = randomBytes(32).toString('hex')
  const apiUrl = `${gitea.url}/api/v1`
  return {
    facts: [`a real Gitea: ${gitea.url} (${gitea.username}, ${gitea.password})`],
    url: gitea.url,
    apiUrl,
    repository: made.fullName,
    loginUrl: client.authenticatedUrl(made),
    token: gitea.token,
    webhookSecret,
    addWebhook: (url) => client.addWebhook(made.fullName, url, webhookSecret),
    async close() {
      await fetch(`${apiUrl}/repos/${made.fullName}`, {
        method: 'DELETE',
        headers: { authorization: `token ${gitea.token}` },
      })
    },
  }
}
