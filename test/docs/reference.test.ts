import assert from 'node:assert/strict'
import { test } from 'node:test'
import { currentReference } from '../../docs/generate/write-reference.ts'
import { read } from './markdown.ts'

test('docs/configuration.md is what the schema and .env.example say (npm run reference writes it anew)', async () => {
  assert.equal(read('docs/configuration.md'), await currentReference())
})

test('no template is left unfilled on a generated page', async () => {
  assert.doesNotMatch(await currentReference(), /\$\{/)
})

test('each mapping that an image may say has a table of its keys, those in it included', async () => {
  const page = await currentReference()
  for (const key of ['scan', 'onFindings', 'javaRepository', 'copyLayers']) {
    assert.ok(page.includes(`\n| \`${key}\` `), key)
  }
})
