import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildArgumentFault } from './build-arguments.ts'

test('ordinary names are build arguments', () => {
  for (const name of [
    'VERSION',
    'GIT_SHA',
    'HTTP_PROXY',
    'ENV',
    '_x',
    'npm_config_registry',
    'NODE_ENV',
  ]) {
    assert.equal(buildArgumentFault(name), undefined, name)
  }
})

test('a name that changes how programs start is refused, and said', () => {
  for (const name of [
    'LD_PRELOAD',
    'LD_AUDIT',
    'ld_preload',
    'DYLD_INSERT_LIBRARIES',
    'BASH_ENV',
    'NODE_OPTIONS',
    'PYTHONSTARTUP',
    'PERL5OPT',
    'RUBYOPT',
    'JAVA_TOOL_OPTIONS',
    'GIT_SSH_COMMAND',
    'GIT_CONFIG_COUNT',
    'PATH',
    'IFS',
  ]) {
    assert.match(buildArgumentFault(name) ?? '', new RegExp(`${name} is refused`))
  }
})

test('what no shell takes for a name is refused', () => {
  for (const name of ['', 'A=B', 'A B', '1A', '--build-arg', 'A\n', 'Ä', 'A-B']) {
    assert.match(buildArgumentFault(name) ?? '', /cannot be a build argument/, name)
  }
})
