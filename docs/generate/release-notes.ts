import { readFileSync } from 'node:fs'

/** An entry of a changelog in the form of Keep a Changelog. */
export interface ChangelogEntry {
  readonly version: string
  /** A day, or `Unreleased`. */
  readonly date: string
  readonly text: string
}

/** The entries of CHANGELOG.md, newest first. */
export function changelogEntries(changelog: string): ChangelogEntry[] {
  const [, ...parts] = changelog.split(/^(?=## \[)/m)
  return parts.map((part) => {
    const [, version = '', date = ''] = /^## \[([^\]]+)\](?: - (\S+))?/.exec(part) ?? []
    return { version, date, text: part.slice(part.indexOf('\n')).trim() }
  })
}

/** `node docs/generate/release-notes.ts 1.2.3`: what the changelog says of a version. */
if (import.meta.main) {
  const wanted = process.argv[2]
  const changelog = readFileSync(new URL('../../CHANGELOG.md', import.meta.url), 'utf8')
  const entry = changelogEntries(changelog).find(({ version }) => version === wanted)
  if (entry === undefined) {
    console.error(`CHANGELOG.md has no version ${wanted ?? ''}: name one that it has`)
    process.exitCode = 1
  } else console.log(entry.text)
}
