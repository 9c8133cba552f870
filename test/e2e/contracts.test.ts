import { randomBytes } from 'node:crypto'

import { gitea } from '../../src/forges/gitea/index.ts'
import { clusterContract } from '../contracts/cluster.ts'
import { realCluster } from '../contracts/cluster/real.ts'
import { forgeContract } from '../contracts/forge.ts'
import { giteaFixtures, giteaStatuses } from '../contracts/forges/gitea.ts'
import { createRepository } from './support/repository.ts'
import { runningCluster } from './support/world.ts'

/** The suites that the stand-ins pass, on the real cluster and on the real Gitea. */

clusterContract('the real cluster', async () => realCluster(await runningCluster()))

clusterContract('the real cluster, with a pod whose containers are started together', async () => ({
  ...(await realCluster(await runningCluster())),
  kanikoShell: '/busybox/sh',
}))

forgeContract(
  gitea,
  giteaFixtures(async () => {
    const cluster = await runningCluster()
    const name = `contract-${randomBytes(4).toString('hex')}`
    const repository = await createRepository({ cluster, name })

    const sha = await repository.commit({ 'content.txt': 'x' })
    await repository.push('main')
    const apiUrl = `${cluster.gitea.url}/api/v1`
    return {
      apiUrl,
      login: { token: cluster.gitea.token },
      owner: cluster.gitea.username,
      repository: { id: String(repository.id), path: repository.path },
      sha,
      ref: 'refs/heads/main',
      statuses: giteaStatuses(apiUrl, cluster.gitea.token),
      close: () => repository.remove(),
    }
  }),
)
