import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forges } from '../forges/index.ts'
import { readEnvironment } from './environment.ts'
import { unheardHosts } from './unheard-hosts.ts'

const { forges: on } = readEnvironment(
  {
    KANIHOOK_ROLES: 'receiver',
    GITHUB_WEBHOOK_SECRETS: 'a-webhook-secret-that-is-long',
    GITEA_WEBHOOK_SECRETS: 'a-webhook-secret-that-is-long',
    GITEA_URL: 'https://git.acme.io:3000/git',
  },
  { forges },
)
const unheard = (...matches: string[]): string[] =>
  unheardHosts(
    matches.map((match) => ({ match })),
    on,
    forges,
  )

test('an entry of a forge that is off is told, with what turns it on', () => {
  assert.deepEqual(unheard('GitLab.com/acme/*'), [
    'no forge that is on has the host gitlab.com: pushes of GitLab.com/acme/* are never heard (set GITLAB_WEBHOOK_SECRETS)',
  ])
})

test('so is one of a host that no forge has, and of one whose forge has another address', () => {
  for (const host of ['git.acme.io', 'github.con', 'gitea.com']) {
    assert.deepEqual(unheard(`${host}/acme/app`), [
      `no forge that is on has the host ${host}: pushes of ${host}/acme/app are never heard (mend it, or set GITHUB_URL, GITLAB_URL or GITEA_URL)`,
    ])
  }
})

test('nothing is said of the hosts of forges that are on, nor where a glob leaves the host open', () => {
  assert.deepEqual(
    unheard(
      'github.com/acme/*',
      'GitHub.com/acme/*',
      'git.acme.io:3000/acme/*',
      '**',
      '*/acme/app',
      'gitla?.com/acme/*',
      '{github.com/acme,gitlab.com/acme}/*',
      'gitlab**/app',
      String.raw`\gitlab.com/acme/*`,
    ),
    [],
  )
})
