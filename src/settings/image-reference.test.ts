import assert from 'node:assert/strict'
import { test } from 'node:test'
import { destinationFault, imageFault, imageParts, isPinned } from './image-reference.ts'

for (const destination of [
  'registry.acme.io/acme/api',
  'registry:5000/api',
  'localhost/api',
  'localhost:5000/a/b/c',
  '127.0.0.1:5000/api',
  '[::1]:5000/api',
  'docker.io/acme/api_x',
  'r.io/a__b/c--d/e.f',
  'registry.acme.io/{owner}/{repo}',
  'registry.acme.io/team-{owner}/{repo}-api',
]) {
  test(`${destination} is a destination`, () => {
    assert.equal(destinationFault(destination), undefined)
  })
}

for (const [destination, fault] of [
  ['', /registry's host/],
  ['api', /registry's host/],
  ['acme/api', /registry's host/],
  ['/acme/api', /registry's host/],
  ['{owner}.acme.io/api', /registry's host/],
  ['{owner}/api', /registry's host/],
  ['registry.acme.io', /registry's host/],
  ['registry.acme.io/', /registry's host/],
  ['registry.acme.io/acme/api:latest', /has a tag/],
  [`registry.acme.io/api@sha256:${'0'.repeat(64)}`, /digest/],
  ['user:secret@registry.acme.io/api', /login/],
  ['https://registry.acme.io/api', /leave out https/],
  ['registry.acme.io/Acme/api', /lower case/],
  ['registry.acme.io/acme//api', /not an image's name/],
  ['registry.acme.io/../api', /not an image's name/],
  ['registry.acme.io/-api', /not an image's name/],
  ['registry.acme.io/a..b', /not an image's name/],
  ['registry.acme.io/api ', /not an image's name/],
  ['registry.acme.io/api\n', /not an image's name/],
  [`registry.acme.io/${'a'.repeat(256)}`, /not an image's name/],
  ['-x.io/api', /registry's host/],
] as const) {
  test(`${JSON.stringify(destination.slice(0, 60))} is no destination`, () => {
    assert.match(destinationFault(destination) ?? '', fault)
  })
}

test('an image to run comes from the registry that a node would ask', () => {
  const digest = `sha256:${'0'.repeat(64)}`
  for (const [reference, ...parts] of [
    [`ghcr.io/a/kaniko:v1@${digest}`, 'ghcr.io', 'a/kaniko', 'v1', digest],
    ['registry:5000/kaniko', 'registry:5000', 'kaniko', undefined, undefined],
    ['alpine/git:2', 'docker.io', 'alpine/git', '2', undefined],
    [`alpine@${digest}`, 'docker.io', 'library/alpine', undefined, digest],
  ]) {
    const { registry, name, tag, digest: hash } = imageParts(reference ?? '')
    assert.deepEqual([registry, name, tag, hash], parts, reference)
  }
})

test('an image to run may have a tag and a digest, and is pinned by either', () => {
  const digest = `sha256:${'0'.repeat(64)}`
  for (const [reference, pinned] of [
    ['ghcr.io/a/kaniko:v1.28.3', true],
    [`ghcr.io/a/kaniko@${digest}`, true],
    [`ghcr.io/a/kaniko:latest@${digest}`, true],
    ['ghcr.io/a/kaniko:latest', false],
    ['registry:5000/kaniko', false],
    ['kaniko', false],
  ] as const) {
    assert.equal(imageFault(reference), undefined, reference)
    assert.equal(isPinned(reference), pinned, reference)
  }
  for (const reference of [
    '',
    'ghcr.io/A/kaniko',
    'kaniko:',
    'kaniko:a b',
    '--image',
    'kaniko@sha256:1',
  ]) {
    assert.ok(imageFault(reference), reference)
  }
})
