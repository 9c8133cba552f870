import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLinkKeys } from './link-keys.ts'

const id = '1f2e3d4c5b6a7988'

describe('the key of a page', () => {
  const keys = createLinkKeys(['new', 'old'])

  it('opens its own build and no other', () => {
    assert(keys.valid(id, keys.key(id)))
    assert(!keys.valid('0000000000000000', keys.key(id)))
  })

  it('is at least 128 bits long, in letters that a URL takes as they are', () => {
    assert.match(keys.key(id), /^[\w-]{22,}$/)
  })

  it('is made with the newest secret; those of older ones stay good until the secret goes', () => {
    const old = createLinkKeys(['old']).key(id)
    assert.equal(keys.key(id), createLinkKeys(['new']).key(id))
    assert(keys.valid(id, old))
    assert(!createLinkKeys(['new']).valid(id, old))
  })

  it('has one spelling', () => {
    const key = keys.key(id)
    const others = ['', key.slice(0, -1), `${key}A`, `${key}=`, ` ${key}`, key.toLowerCase(), 'é']
    for (const other of others) assert(!keys.valid(id, other), other)
  })

  it('needs a secret', () => {
    assert.throws(() => createLinkKeys([]), TypeError)
    assert.throws(() => createLinkKeys(['new', '']), TypeError)
  })

  it('makes a link', () => {
    const url = keys.url('https://hooks.acme.io/kanihook', id)
    assert.equal(url, `https://hooks.acme.io/kanihook/builds/${id}/${keys.key(id)}`)
  })
})
