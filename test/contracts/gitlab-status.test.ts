import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { RetryLater } from '../../src/errors.ts'
import type { CommitStatus, ForgeClient, StatusPost } from '../../src/forges/forge.ts'
import { gitlab } from '../../src/forges/gitlab/index.ts'
import { createGitlabStandIn, type GitlabStandIn } from '../stand-ins/gitlab/stand-in.ts'

const sha = 'a'.repeat(40)
const path = 'acme/tools/app'

describe("GitLab's commit statuses", () => {
  let standIn: GitlabStandIn
  let client: ForgeClient

  beforeEach(async () => {
    standIn = await createGitlabStandIn({ projects: [{ id: 15, path }], tokens: ['token'] })
    client = gitlab.client({
      url: 'https://gitlab.com',
      apiUrl: `${standIn.url}/api/v4`,
      webhookSecrets: ['secret'],
      login: { token: 'token' },
    })
  })
  afterEach(() => standIn.close())

  const post = (state: CommitStatus['state'], given: Partial<StatusPost> = {}) =>
    client.postStatus({
      repository: { forge: 'gitlab', host: 'gitlab.com', id: '15', path },
      sha,
      ref: 'refs/heads/feature/x',
      status: { context: 'kanihook/app', state, description: state, targetUrl: 'https://k.io/1' },
      memory: undefined,
      ...given,
    })
  const states = () => standIn.statuses(path, sha).map(({ state }) => state)
  const lastBody = () => standIn.requests.at(-1)?.body as Record<string, unknown>

  it('stay in the pipeline of the first one', async () => {
    const memory = await post('queued')
    assert.match(memory ?? '', /^\d+$/)
    assert.equal(lastBody()['pipeline_id'], undefined)
    assert.equal(await post('success', { memory }), memory)
    assert.equal(lastBody()['pipeline_id'], Number(memory))
  })

  it('are of the branch, of the tag, or of the branch that a merge request comes from', async () => {
    await post('queued')
    assert.equal(lastBody()['ref'], 'feature/x')
    await post('queued', { ref: 'refs/tags/v1.2.3' })
    assert.equal(lastBody()['ref'], 'v1.2.3')
    await post('queued', { ref: 'refs/merge-requests/12/head', headBranch: 'feature/x' })
    assert.equal(lastBody()['ref'], 'feature/x')
  })

  it('that GitLab shows already, or has gone past, are done', async () => {
    const memory = await post('building')
    assert.equal(await post('building', { memory }), memory)
    assert.equal(await post('queued', { memory }), memory)
    assert.deepEqual(states(), ['running'])
  })

  it('of a rebuild follow those of the build before', async () => {
    for (const state of ['queued', 'success', 'queued', 'building', 'failure'] as const) {
      await post(state)
    }
    assert.deepEqual(states(), ['success', 'failed'])
  })

  it('are tried again while the pipeline is locked', async () => {
    standIn.lock(true)
    await assert.rejects(post('queued'), RetryLater)
    standIn.lock(false)
    await post('queued')
    assert.deepEqual(states(), ['pending'])
  })

  it('find another pipeline where theirs was deleted', async () => {
    const memory = await post('success')
    standIn.deletePipelines()
    const next = await post('failure', { memory })
    assert.notEqual(next, memory)
    assert.deepEqual(states(), ['success', 'failed'])
  })
})
