import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveOptions } from './options.ts'

test('the state is kept outside the checkout, where XDG_STATE_HOME says', () => {
  const { stateDir } = resolveOptions({}, { XDG_STATE_HOME: '/home/dev/.state' })

  assert.equal(stateDir, '/home/dev/.state/kanihook-cluster')
})

test('the first address of the subnet is this machine’s', () => {
  assert.equal(resolveOptions({ subnet: '10.99.16.0/24' }, {}).addresses.host, '10.99.16.1')
})

test('what the machine would refuse later is refused at once', () => {
  const refuses = (options: object) => assert.throws(() => resolveOptions(options, {}), Error)

  refuses({ subnet: '10.87.0.1/24' })
  refuses({ subnet: '10.87.0.0/20' })
  refuses({ subnet: 'pods' })
  refuses({ link: 'a-name-of-sixteen' })
  refuses({ link: 'a b' })
  refuses({ portBase: 80 })
  refuses({ portBase: Number.NaN })
  refuses({ stateDir: `/tmp/${'x'.repeat(70)}` })
})
