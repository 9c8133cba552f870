import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normalizeRepositoryPath, repositoryPathFault } from './repository-path.ts'

for (const [path, normal] of [
  ['.', '.'],
  ['./', '.'],
  ['services/api', 'services/api'],
  ['./services//api/', 'services/api'],
  ['docker/Dockerfile.production', 'docker/Dockerfile.production'],
  ['..hidden/a..b', '..hidden/a..b'],
  ['--build-arg=X', '--build-arg=X'],
  ['mit Leerzeichen/ü', 'mit Leerzeichen/ü'],
] as const) {
  test(`${path} is a path in the repository`, () => {
    assert.equal(repositoryPathFault(path), undefined)
    assert.equal(normalizeRepositoryPath(path), normal)
  })
}

for (const path of [
  '',
  '..',
  '../x',
  'a/../../x',
  'a/..',
  '/',
  '/etc/passwd',
  '..\\x',
  'a\\b',
  'a\0b',
  'a\nb',
  'https://acme.io/x',
  'git://acme.io/x',
  'a'.repeat(1025),
]) {
  test(`${JSON.stringify(path.slice(0, 30))} leads out of the repository or is no path`, () => {
    assert.ok(repositoryPathFault(path))
  })
}
