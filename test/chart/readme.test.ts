import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { parse } from 'yaml'
import { chartFolder, render } from './render.ts'

const readme = readFileSync(join(chartFolder, 'README.md'), 'utf8')
const examples = [...readme.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text)

suite('the README’s values can be installed', () => {
  test('there are two', () => assert.equal(examples.length, 2))
  for (const example of examples) {
    test(example.split('\n')[0] ?? '', async () => {
      assert.ok((await render(parse(example) as object)).all('Deployment').length > 0)
    })
  }
})
