import assert from 'node:assert/strict'
import { it } from 'node:test'
import { readChallenge } from './challenge.ts'

it('a Bearer challenge names its realm and its service', () => {
  assert.deepEqual(
    readChallenge(
      'Bearer realm="https://auth.acme.io/token",service="reg",scope="repository:a:pull"',
    ),
    { scheme: 'bearer', realm: 'https://auth.acme.io/token', service: 'reg' },
  )
  assert.deepEqual(readChallenge('bearer service=reg, realm="https://a/?x=1,2"'), {
    scheme: 'bearer',
    realm: 'https://a/?x=1,2',
    service: 'reg',
  })
})

it('a Basic challenge is one, whatever its realm is called', () => {
  assert.deepEqual(readChallenge('Basic realm="Bearer of news"'), { scheme: 'basic' })
  assert.deepEqual(readChallenge('basic'), { scheme: 'basic' })
})

it('Bearer is chosen where both are offered, with its own parameters', () => {
  const both = ['Basic realm="basic"', 'Bearer realm="https://a/token"']
  for (const header of [both.join(', '), both.toReversed().join(', ')]) {
    const challenge = readChallenge(header)
    assert.deepEqual(challenge, { scheme: 'bearer', realm: 'https://a/token', service: undefined })
  }
})

it('what cannot be answered is no challenge', () => {
  for (const header of [undefined, '', 'Negotiate', 'Bearer service="x"']) {
    assert.equal(readChallenge(header), undefined, header)
  }
})
