import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import { parse } from 'yaml'
import { jsonSchema } from './json-schema.ts'

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const validate = new Ajv({ strict: false }).compile(jsonSchema())

test('schema/kanihook.schema.json is what the code says (npm run schema writes it anew)', () => {
  assert.deepEqual(JSON.parse(read('schema/kanihook.schema.json')), jsonSchema())
})

test('an editor with the schema accepts the example', () => {
  assert.ok(validate(parse(read('kanihook.example.yaml'))), JSON.stringify(validate.errors))
})

test('an editor with the schema marks unknown keys, wrong types and two platforms', () => {
  const image = { name: 'a', destination: 'r.io/a' }
  const file = (own: object) => ({
    repositories: [{ match: 'a.io/b', images: [{ ...image, ...own }] }],
  })
  assert.ok(validate(file({})))
  for (const own of [
    { scan: {} },
    { tags: 'main' },
    { timeout: '5y' },
    { name: '-x' },
    { platforms: ['linux/amd64', 'linux/arm64'] },
  ]) {
    assert.ok(!validate(file(own)), JSON.stringify(own))
  }
})
