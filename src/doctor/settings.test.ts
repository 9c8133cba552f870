import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { forges } from '../forges/index.ts'
import { parseConfig } from '../settings/config-file.ts'
import { readEnvironment } from '../settings/environment.ts'
import { environmentFindings, ownSecretFindings } from './settings.ts'

it('what the environment may not mean is a warning each, but for PUBLIC_URL, which has its own check', () => {
  const settings = readEnvironment(
    { GITHUB_WEBHOOK_SECRETS: 'short', GITHUB_TOKEN: 'token', KANIKO_IMAGE: 'reg.acme.io/kaniko' },
    { forges },
  )
  assert.deepEqual(
    settings.warnings.map(({ variable }) => variable),
    ['GITHUB_WEBHOOK_SECRETS', 'PUBLIC_URL', 'KANIKO_IMAGE'],
  )
  assert.deepEqual(
    environmentFindings(settings).map(
      ({ severity, message }) => `${severity}: ${message.split(' ')[0]}`,
    ),
    ['warning: GITHUB_WEBHOOK_SECRETS', 'warning: KANIKO_IMAGE'],
  )
})

it('a secret of an entry that is not there is told, and how many were read', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'kanihook-doctor-'))
  try {
    await writeFile(join(dir, 'acme'), 'a-webhook-secret-of-acme')
    await writeFile(join(dir, 'signing'), 'whsec_?!canary-is-no-base64')
    const environment = {
      WEBHOOK_SECRETS_DIR: dir,
      KANIHOOK_ROLES: 'receiver',
      GITLAB_URL: 'https://gitlab.com',
    }
    const config = parseConfig(
      `defaults: { destination: 'r.io/{owner}/{repo}' }
repositories:
  - { match: gitlab.com/acme/*, webhookSecret: acme }
  - { match: gitlab.com/other/*, webhookSecret: signing }
  - { match: gitlab.com/globex/*, webhookSecret: globex }`,
      'kanihook.yaml',
    )
    const settings = readEnvironment(environment, { forges })
    const { findings, secrets } = await ownSecretFindings(settings, config, forges)
    assert.deepEqual(
      findings.map(({ severity, message }) => `${severity}: ${message.slice(0, 40)}`),
      [
        'ok: webhook secrets of entries (read: 2)',
        'error: webhookSecret globex: its file in WEBHOO',
        'error: webhookSecret signing: a secret of GitLa',
      ],
    )
    assert.ok(!JSON.stringify(findings).includes('canary'))
    assert.ok(secrets.includes('a-webhook-secret-of-acme'))
  } finally {
    await rm(dir, { recursive: true })
  }
})
