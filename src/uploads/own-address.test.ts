import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NetworkInterfaceInfo } from 'node:os'
import { baseUrl, ownAddress } from './own-address.ts'

const at = (address: string, internal = false): NetworkInterfaceInfo =>
  ({ address, internal }) as NetworkInterfaceInfo

test('the address of a pod is that of its interface', () => {
  const lo = [at('127.0.0.1', true), at('::1', true)]
  assert.equal(ownAddress({ lo, eth0: [at('fe80::1'), at('fd00::7'), at('10.1.2.3')] }), '10.1.2.3')
  assert.equal(ownAddress({ lo, eth0: [at('fe80::1'), at('fd00::7')] }), 'fd00::7')
  assert.equal(ownAddress({ lo }), undefined)
})

test('an address of IPv6 stands in brackets', () => {
  assert.equal(baseUrl('fd00::7', 9091), 'http://[fd00::7]:9091')
  assert.equal(baseUrl('10.1.2.3', 9091), 'http://10.1.2.3:9091')
})
