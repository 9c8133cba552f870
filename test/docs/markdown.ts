import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '../..')

export const read = (path: string): string => readFileSync(join(root, path), 'utf8')

/** Every Markdown file of the repository, relative to its root. */
export const markdownFiles = (): readonly string[] =>
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
    cwd: root,
    encoding: 'utf8',
  })
    .split('\n')
    .filter((path) => path !== '')

/** The pages for those who use kanihook; the others are for those who change it. */
export const userPages = (): readonly string[] =>
  markdownFiles().filter((path) => path === 'README.md' || path.startsWith('docs/'))

/** A fenced block: ` ```yaml values ` has the language `yaml` and the mark `values`. */
export interface Block {
  /** `docs/start.md:12`: where it begins. */
  readonly place: string
  readonly language: string
  readonly mark: string
  readonly text: string
}

export function blocksOf(path: string): Block[] {
  const blocks: Block[] = []
  let open: { fence: string; indent: number; block: Block; lines: string[] } | undefined
  for (const [index, line] of read(path).split('\n').entries()) {
    const [, indent = '', fence = '', info = ''] = /^( *)(`{3,})(.*)$/.exec(line) ?? []
    if (open === undefined && fence !== '') {
      const [language = '', ...mark] = info.trim().split(' ')
      const block = { place: `${path}:${index + 1}`, language, mark: mark.join(' '), text: '' }
      open = { fence, indent: indent.length, block, lines: [] }
    } else if (open !== undefined && fence.length >= open.fence.length && info.trim() === '') {
      blocks.push({ ...open.block, text: `${open.lines.join('\n')}\n` })
      open = undefined
    } else open?.lines.push(line.slice(open.indent))
  }
  return blocks
}

/** A page without its fenced blocks. */
export const proseOf = (path: string): string =>
  read(path).replaceAll(/^( *)(`{3,})[^]*?^\1\2 *$/gm, '')

/** What stands between single backticks. */
export const codeSpansOf = (path: string): string[] =>
  [...proseOf(path).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)
