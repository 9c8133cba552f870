import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { openapi } from '../../src/admin/openapi.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { blocksOf, codeSpansOf, read, userPages } from './markdown.ts'

const pages = userPages()

describe('every name in the documentation is one that there is', () => {
  it('variables of the environment', () => {
    const known = [...read('.env.example').matchAll(/^#?([A-Z][A-Z_]+)=/gm)].map(
      ([, name = '']) => name,
    )
    const families = [...new Set(known.flatMap((name) => /^[A-Z]+_/.exec(name) ?? []))]
    const family = new RegExp(`\\b(?:${families.join('|')})[A-Z_]+\\b`, 'g')
    for (const page of pages) {
      for (const [name] of read(page).matchAll(family)) {
        // What a reader of start.md fills in.
        if (name.startsWith('REGISTRY_') || name === 'WEBHOOK_SECRET') continue
        assert.ok(known.includes(name.replace(/_FILE$/, '')), `${page}: ${name}`)
      }
    }
  })

  it('metrics, and every metric is told of', async () => {
    const metrics = createMetrics()
    metrics.watchQueues(async () => [])
    metrics.watchConfig(() => false)
    const known = [...(await metrics.text()).matchAll(/^# TYPE (kanihook_\w+)/gm)].map(
      ([, name = '']) => name,
    )
    const told = new Set<string>()
    for (const page of pages) {
      for (const [found] of read(page).matchAll(/\bkanihook_[a-z_]+/g)) {
        const name = found.replace(/_(bucket|sum|count)$/, '')
        assert.ok(known.includes(name), `${page}: ${found}`)
        told.add(name)
      }
    }
    assert.deepEqual([...told].toSorted(), known.toSorted())
  })

  it('what alerts are about', () => {
    const [block, ...others] = pages
      .flatMap(blocksOf)
      .filter(({ mark }) => mark === 'prometheus-rule')
    assert.deepEqual(others, [])
    const { kind, spec } = parse(block?.text ?? '') as {
      kind: string
      spec: { groups: { rules: { alert: string; expr: string; annotations: object }[] }[] }
    }
    assert.equal(kind, 'PrometheusRule')
    for (const { alert, expr, annotations } of spec.groups.flatMap(({ rules }) => rules)) {
      assert.match(expr, /\bkanihook_/, alert)
      assert.ok('summary' in annotations, alert)
    }
  })

  it('values of the chart', () => {
    const values = parse(read('charts/kanihook/values.yaml')) as Record<string, unknown>
    for (const page of pages) {
      for (const code of codeSpansOf(page)) {
        const [first = '', ...rest] = /^[a-zA-Z]+(\.[a-zA-Z]+)+$/.test(code) ? code.split('.') : []
        if (!Object.hasOwn(values, first) || rest.at(-1) === 'json') continue
        let found: unknown = values[first]
        for (const key of rest) found = (found as Record<string, unknown> | undefined)?.[key]
        assert.notEqual(found, undefined, `${page}: ${code}`)
      }
    }
  })

  it('paths of the API', () => {
    const known = Object.keys(openapi.paths).map(
      (path) => new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    )
    for (const page of pages) {
      for (const [, path = ''] of read(page).matchAll(/(?:localhost:9090|`)(\/api\/[^\s`'"?]+)/g)) {
        assert.ok(
          known.some((each) => each.test(path)),
          `${page}: ${path}`,
        )
      }
    }
  })
})
