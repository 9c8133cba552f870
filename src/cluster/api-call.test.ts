import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiException } from '@kubernetes/client-node'
import { PermanentError, RetryLater } from '../errors.ts'
import { refused } from './api-call.ts'

const answer = (code: number, message: string): Error =>
  refused('Job x cannot be created', new ApiException(code, '', { kind: 'Status', message }, {}))

test('a want of rights may pass: an API server that has just started knows no roles yet', () => {
  const error = answer(
    403,
    'jobs.batch is forbidden: User "system:serviceaccount:ci:kanihook" cannot create resource "jobs" in API group "batch" in the namespace "builds"',
  )
  assert.ok(error instanceof RetryLater)
  assert.match(error.message, /^Job x cannot be created: jobs.batch is forbidden/)
})

test('what a policy forbids stays so until a person changes it', () => {
  const policy =
    'admission webhook "policy.example.com" denied the request: images must come from us'
  assert.ok(answer(403, policy) instanceof PermanentError)
  assert.ok(answer(422, 'spec.template is invalid') instanceof PermanentError)
})
