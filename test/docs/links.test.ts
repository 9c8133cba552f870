import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import { markdownFiles, proseOf, root } from './markdown.ts'

/** Anchors as GitHub makes them of headings. */
function anchorsOf(path: string): Set<string> {
  const seen = new Map<string, number>()
  const anchors = new Set<string>()
  for (const [, heading = ''] of proseOf(path).matchAll(/^#{1,6} +(.+?) *$/gm)) {
    const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const slug = text.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-')
    const times = seen.get(slug) ?? 0
    seen.set(slug, times + 1)
    anchors.add(times === 0 ? slug : `${slug}-${times}`)
  }
  return anchors
}

/** Targets of `[text](target)` and `[text]: target` that stay in the repository. */
function linksOf(path: string): string[] {
  const prose = proseOf(path).replaceAll(/`[^`\n]*`/g, 'code')
  const inline = [...prose.matchAll(/\]\(([^()\s]+)\)/g)]
  const references = [...prose.matchAll(/^\[[^\]]+\]: (\S+)$/gm)]
  return [...inline, ...references]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/i.test(target))
}

for (const path of markdownFiles()) {
  test(`every link in ${path} leads somewhere`, () => {
    for (const link of linksOf(path)) {
      const [file = '', anchor] = link.split('#')
      const target = file === '' ? path : normalize(join(dirname(path), file))
      assert.ok(existsSync(join(root, target)), `${path}: ${link}: there is no ${target}`)
      if (anchor === undefined) continue
      assert.ok(anchorsOf(target).has(anchor), `${path}: ${link}: ${target} has no such heading`)
    }
  })
}
