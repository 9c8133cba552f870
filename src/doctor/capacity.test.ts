import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { capacityRemarks } from './capacity.ts'

const quota = (hard: Record<string, string>, used: Record<string, string> = {}) => ({
  metadata: { name: 'builds' },
  spec: { hard },
  status: { hard, used },
})
const range = (limit: object) => ({ spec: { limits: [{ type: 'Container', ...limit }] } })
const image = (resources = {}) => ({ name: 'api', resources })

const say = (...given: Parameters<typeof capacityRemarks>): string[] =>
  capacityRemarks(...given).map(({ severity, message }) => `${severity}: ${message}`)

describe('quotas', () => {
  it('with room are one line; none at all is none', () => {
    const remarks = say(
      [quota({ pods: '10', 'requests.cpu': '4' }, { pods: '3', 'requests.cpu': '500m' })],
      [],
      [image({ requests: { cpu: '1' } })],
    )
    assert.deepEqual(remarks, [
      'ok: there is room in the quota (pods 3 of 10, requests.cpu 500m of 4)',
    ])
    assert.deepEqual(say([], [], [image()]), [])
  })

  it('that are used up are a warning, in whatever unit', () => {
    const full = quota({ 'requests.memory': '4Gi' }, { 'requests.memory': '4096Mi' })
    const [said] = say([full], [], [image({ requests: { memory: '1Gi' } })])
    assert.match(
      said ?? '',
      /^warning: ResourceQuota builds is used up: requests\.memory 4096Mi of 4Gi/,
    )
  })

  it('on limits refuse every build, as the clone has none, unless a LimitRange gives some', () => {
    const limits = quota({ 'limits.memory': '8Gi' })
    const [said] = say([limits], [], [image({ limits: { memory: '1Gi' } })])
    assert.match(said ?? '', /^error: .* does not state limits\.memory \(the clone\)$/)
    const given = range({ _default: { memory: '1Gi' } })
    assert.deepEqual(
      say([limits], [given], [image()]).filter((text) => !text.startsWith('ok')),
      [],
    )
  })

  it('on requests refuse the images that state none', () => {
    const requests = quota({ cpu: '8' })
    const [said] = say(
      [requests],
      [],
      [image(), { ...image({ limits: { cpu: '1' } }), name: 'web' }],
    )
    assert.match(said ?? '', /^error: .* does not state requests\.cpu \(api\)$/)
    const given = range({ defaultRequest: { cpu: '100m' } })
    assert.equal(
      say([requests], [given], [image()]).some((text) => text.startsWith('error')),
      false,
    )
  })
})
