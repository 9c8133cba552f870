import assert from 'node:assert/strict'
import { it } from 'node:test'
import { forges } from '../forges/index.ts'
import { readEnvironment } from '../settings/environment.ts'
import { environmentFindings } from './settings.ts'

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
