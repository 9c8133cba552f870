import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { platformFault } from './platform-name.ts'

describe('a platform', () => {
  for (const name of [
    'amd64',
    'arm64',
    'arm64/v8',
    'arm/v7',
    '386',
    'ppc64le',
    's390x',
    'riscv64',
    'loong64',
    'mips64le',
  ]) {
    it(`is linux/${name}`, () => assert.equal(platformFault(`linux/${name}`), undefined))
  }

  for (const [text, meant] of [
    ['linux/aarch64', 'linux/arm64'],
    ['linux/aarch64/v8', 'linux/arm64/v8'],
    ['linux/x86_64', 'linux/amd64'],
    ['linux/armv7', 'linux/arm/v7'],
    ['linux/armhf/v7', 'linux/arm/v7'],
    ['linux/amd46', 'linux/amd64'],
    ['linux/amd46/v2', 'linux/amd64/v2'],
    ['linux/arm/7', 'linux/arm'],
    ['Linux/AMD64', 'linux/amd64'],
    ['linx/arm64', 'linux/arm64'],
    ['arm64', 'linux/arm64'],
    ['arm/v7', 'linux/arm/v7'],
    ['aarch64', 'linux/arm64'],
  ] as const) {
    it(`is not ${text}, by which ${meant} is meant`, () => {
      assert.equal(platformFault(text), `"${text}" is not a platform (did you mean ${meant}?)`)
    })
  }

  for (const text of ['windows/amd64', 'darwin/arm64']) {
    it(`is not ${text}`, () =>
      assert.match(platformFault(text) ?? '', /kanihook builds for linux alone/))
  }

  for (const text of ['linux/toaster', 'linux/', 'linux', '']) {
    it(`is not "${text}", and what there is is listed`, () =>
      assert.match(platformFault(text) ?? '', /architectures: 386, amd64, arm, arm64/))
  }
})
