import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createApi } from './api.ts'
import { openapi } from './openapi.ts'

/** express keeps its routes as layers. */
interface Layer {
  readonly route?: { readonly path: string; readonly methods: Readonly<Record<string, boolean>> }
}

describe('the description of the API', () => {
  const never = () => Promise.reject(new Error('not asked'))
  const api = createApi({
    builds: {
      list: never,
      get: never,
      log: never,
      refusedStatus: never,
      rebuild: never,
      cancel: never,
    },
    deliveries: { get: never },
    pullRequests: { approve: never },
    repositories: { trust: never },
    pageUrl: () => undefined,
  })

  it('has every route that there is, and no other', () => {
    const routes = (api.stack as unknown as readonly Layer[]).flatMap(({ route }) =>
      Object.keys(route?.methods ?? {}).map(
        (method) => `${method} /api${route?.path.replaceAll(/:(\w+)/g, '{$1}')}`,
      ),
    )
    const described = Object.entries(openapi.paths).flatMap(([path, operations]) =>
      Object.keys(operations)
        .filter((key) => key !== 'parameters')
        .map((method) => `${method} ${path}`),
    )
    assert.deepEqual(routes.toSorted(), described.toSorted())
    assert.equal(openapi.openapi, '3.1.0')
  })

  it('refers to nothing that it does not have', () => {
    const refs = [...JSON.stringify(openapi).matchAll(/"#\/components\/schemas\/(\w+)"/g)]
    assert(refs.length > 0)
    for (const [, name] of refs) assert(Object.hasOwn(openapi.components.schemas, name!), name)
  })
})
