import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { askRegistry, pinImages } from '../../docs/generate/pin-images.ts'
import { imageFault } from '../../src/settings/image-reference.ts'
import { startRegistryStandIn } from '../stand-ins/registry.ts'
import { read } from './markdown.ts'

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`

interface Values {
  readonly settings: Readonly<Record<string, unknown>>
  readonly redis: { readonly bundled: { readonly image: string } }
}

describe('the chart of a release', () => {
  it('names every image that it runs but its own by tag and digest, and is else the same', async () => {
    const before = read('charts/kanihook/values.yaml')
    const after = await pinImages(before, async () => digest('1'))
    const { settings, redis } = parse(after) as Values
    const images = Object.entries(settings).filter(([key]) => key.endsWith('Image'))
    assert.ok(images.length >= 2)
    for (const [, reference] of [...images, ['', redis.bundled.image]]) {
      assert.match(String(reference), /^[\w.-]+\/.+:.+@sha256:1{64}$/)
      assert.equal(imageFault(String(reference)), undefined)
    }
    assert.equal(after.replaceAll(`@${digest('1')}`, ''), before)
    assert.equal(await pinImages(after, () => Promise.reject(new Error('asked'))), after)
  })

  it('has the digest that the registry gives, or is not made', async () => {
    const registry = await startRegistryStandIn({
      login: 'bearer',
      images: { 'acme/kaniko:v1': digest('2') },
    })
    try {
      assert.equal(await askRegistry(`${registry.host}/acme/kaniko:v1`, true), digest('2'))
      await assert.rejects(askRegistry(`${registry.host}/acme/kaniko:v2`, true), /no-repository/)
    } finally {
      await registry.close()
    }
  })

  it('is pinned by the workflow before it is packed', () => {
    const workflow = read('.github/workflows/release.yaml')
    const pin = workflow.indexOf('docs/generate/pin-images.ts charts/kanihook/values.yaml')
    assert.ok(pin > 0 && pin < workflow.indexOf('helm package'))
  })
})
