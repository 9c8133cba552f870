import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPathRule } from './path-rule.ts'

const docs = { include: ['docs/**'], exclude: ['**/*.txt'] }

test('one of the changed files suffices, unless it is excluded', () => {
  const rule = createPathRule(docs)
  assert.ok(rule.concern(['a', 'docs/b']))
  assert.ok(!rule.concern(['a', 'docs/b.txt']))
  assert.ok(!rule.concern([]))
})

test('the file that may change every build concerns each image, unless it is excluded by name', () => {
  assert.ok(createPathRule(docs, { also: '.kanihook.yaml' }).concern(['.kanihook.yaml']))
  assert.ok(!createPathRule(docs, { also: '.kanihook.yaml' }).concern(['xkanihook.yaml']))
  const excluded = { ...docs, exclude: ['.kanihook.yaml'] }
  assert.ok(!createPathRule(excluded, { also: '.kanihook.yaml' }).concern(['.kanihook.yaml']))
})

test('globs that would be compared for ever are given up within the time that they share, and the image is built', () => {
  const budget = { left: 100 }
  const evil = { include: [`${'*a'.repeat(30)}b`], exclude: [] }
  const files = Array.from({ length: 100 }, () => 'a'.repeat(250))
  const began = performance.now()
  for (let i = 0; i < 20; i++) {
    assert.ok(createPathRule(evil, { budget }).concern(files))
  }
  assert.ok(performance.now() - began < 2_000, `${performance.now() - began} ms`)
  assert.ok(createPathRule(docs, { budget }).concern(['a']), 'no time is left: in doubt')
})
