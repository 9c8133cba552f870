import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import { parse } from 'yaml'
import { jsonSchema, jsonSchemas, repositoryJsonSchema } from './json-schema.ts'

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const validate = new Ajv({ strict: false }).compile(jsonSchema())

for (const [name, schema] of Object.entries(jsonSchemas)) {
  test(`schema/${name} is what the code says (npm run schema writes it anew)`, () => {
    assert.deepEqual(JSON.parse(read(`schema/${name}`)), schema())
  })
}

test("an editor with the schema marks what a repository's own file may not say", () => {
  const validateOwn = new Ajv({ strict: false }).compile(repositoryJsonSchema())
  assert.ok(validateOwn({ target: 'x', images: [{ name: 'a', buildArgs: { A: '1' } }] }))
  for (const own of [
    { destination: 'r.io/x' },
    { buildArgs: { A: { secret: 's', key: 'k' } } },
    { images: [{ name: 'a', pushSecret: 's' }] },
    { images: [{ target: 'x' }] },
  ]) {
    assert.ok(!validateOwn(own), JSON.stringify(own))
  }
})

test('an editor with the schema accepts the example', () => {
  assert.ok(validate(parse(read('kanihook.example.yaml'))), JSON.stringify(validate.errors))
})

test('an editor with the schema marks unknown keys, wrong types and no platform', () => {
  const image = { name: 'a', destination: 'r.io/a' }
  const file = (own: object) => ({
    repositories: [{ match: 'a.io/b', images: [{ ...image, ...own }] }],
  })
  assert.ok(validate(file({})))
  assert.ok(validate(file({ platforms: ['linux/arm64', 'linux/arm/v7'] })))
  for (const own of [
    { scan: { severity: ['AWFUL'] } },
    { tags: 'main' },
    { timeout: '5y' },
    { name: '-x' },
    { platforms: [] },
    { platforms: ['linux/aarch64'] },
  ]) {
    assert.ok(!validate(file(own)), JSON.stringify(own))
  }
})
