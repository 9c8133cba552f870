import assert from 'node:assert/strict'
import { test } from 'node:test'
import { currentReference } from '../../docs/generate/write-reference.ts'
import { read } from './markdown.ts'

test('docs/configuration.md is what the schema and .env.example say (npm run reference writes it anew)', async () => {
  assert.equal(read('docs/configuration.md'), await currentReference())
})
