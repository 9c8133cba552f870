import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildPlan, imagePlan } from '../../test/support/samples.ts'
import type { ImagePlan } from '../builds/build.ts'
import type { Build } from '../builds/build.ts'
import { cloneOptions, sparsePatterns } from './clone-options.ts'

const byHttp = 'https://git.example.com:3000/git/acme/app.git'
const bySsh = 'ssh://git@ssh.example.com:2222/acme/app.git'

const options = (plan: Partial<ImagePlan>, cloneUrl = byHttp, otherUrl = bySsh): string[] =>
  cloneOptions({
    build: buildPlan({ plan: { ...imagePlan, ...plan } }) as Build,
    tries: 1,
    cloneUrl,
    otherUrl,
    credential: undefined,
  })

test('a clone is asked for nothing more, unless the image says so', () => {
  assert.deepEqual(options({}), [])
})

test('submodules of the own host are fetched the way that the repository is, however they are named', () => {
  const scp = ['git.example.com', 'ssh.example.com'].flatMap((host) => [
    `alias=git@${host}:`,
    `alias=ssh://git@${host}/`,
  ])
  assert.deepEqual(options({ submodules: true }), [
    'submodules',
    'base=https://git.example.com:3000/git/',
    'alias=ssh://git@ssh.example.com:2222/',
    ...scp,
  ])
  const reversed = options({ submodules: true }, bySsh, byHttp)
  assert.equal(reversed[1], 'base=ssh://git@ssh.example.com:2222/')
  assert.equal(reversed[2], 'alias=https://git.example.com:3000/git/')
})

test('what Git LFS keeps is fetched where it is asked for, and as .lfsconfig says of files', () => {
  assert.deepEqual(options({ lfs: true }), ['lfs'])
  const sparse = { context: 'api', dockerfile: 'api/D', sparse: true, lfs: true }
  assert.ok(options(sparse).includes('sparse=/.lfsconfig'))
})

test('a sparse clone has the list of findings that a scan leaves out', () => {
  const scan = { severities: ['HIGH'], onFindings: 'fail', ignoreFile: 'ci/.trivyignore' } as const
  const sparse = { context: 'api', dockerfile: 'api/D', sparse: true, scan }
  assert.ok(options(sparse).includes('sparse=/ci/.trivyignore'))
})

test('a sparse clone has what Kaniko reads, and takes a path for what it is', () => {
  const paths = { context: 'services/api', dockerfile: 'docker/Dockerfile.production' }
  assert.deepEqual(sparsePatterns(paths), [
    '/services/api/',
    '/docker/Dockerfile.production',
    '/docker/Dockerfile.production.dockerignore',
    '/.gitattributes',
  ])
  assert.deepEqual(sparsePatterns({ context: 'a*[b] #', dockerfile: '!x' }).slice(0, 2), [
    '/a\\*\\[b\\]\\ \\#/',
    '/\\!x',
  ])
})
