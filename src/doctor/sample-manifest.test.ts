import assert from 'node:assert/strict'
import { it } from 'node:test'
import { forges } from '../forges/index.ts'
import { parseConfig } from '../settings/config-file.ts'
import { readEnvironment } from '../settings/environment.ts'
import { sampleManifests } from './sample-manifest.ts'

const settings = readEnvironment(
  { GITEA_URL: 'https://git.acme.io', GITEA_TOKEN: 'token', GITEA_WEBHOOK_SECRETS: 'x'.repeat(16) },
  { forges },
)
const samples = (text: string) =>
  sampleManifests(settings, parseConfig(text, 'kanihook.yaml'), 'job')
const shown = JSON.stringify

it('the sample of an upload fetches one, that of a push clones', () => {
  const upload = 'uploads: [{ name: shop, destination: reg.acme.io/shop }]'
  const [uploaded] = samples(`repositories: []\n${upload}`)
  assert.match(shown(uploaded), /"UPLOAD_TOKEN"/)
  const entry = 'repositories: [{ match: git.acme.io/a/b, destination: reg.acme.io/b }]'
  const [pushed, ...none] = samples(`${entry}\n${upload}`)
  assert.match(shown(pushed), /"GIT_PASSWORD"/)
  assert.doesNotMatch(shown(pushed), /"UPLOAD_TOKEN"/)
  assert.deepEqual(none, [])
})
