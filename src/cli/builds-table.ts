import { styleText } from 'node:util'
import type { BuildState } from '../builds/build.ts'
import { shortDuration, shortSha } from '../pages/words.ts'
import type { ApiBuild } from './api/answers.ts'
import { oneLine, result, shortRef } from './words.ts'

export interface TableOptions {
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Columns that a line may take; undefined: any number. */
  readonly width: number | undefined
  readonly colour: boolean
}

const colours = {
  waiting: 'yellow',
  starting: 'cyan',
  running: 'cyan',
  succeeded: 'green',
  failed: 'red',
  error: 'magenta',
  cancelled: 'gray',
  superseded: 'gray',
  skipped: 'gray',
} as const satisfies Record<BuildState, string>

const head = ['ID', 'STATE', 'IMAGE', 'REPOSITORY', 'REF', 'COMMIT', 'AGE', 'TOOK', 'RESULT']

/** A line for each build, below one that names the columns. Pure. */
export function buildsTable(builds: readonly ApiBuild[], options: TableOptions): string[] {
  const ofGit = builds.filter(({ upload }) => !upload)
  const hosts = new Set(ofGit.map(({ repository }) => repository.host))
  const rows = [head, ...builds.map((build) => cells(build, hosts.size > 1, options.now))]
  const widths = head.map((_, i) => Math.max(...rows.map((row) => lengthOf(row[i] ?? ''))))
  return rows.map((row, n) => {
    const line = row.map((cell, i) => pad(cell, i < head.length - 1 ? (widths[i] ?? 0) : 0))
    const text = cut(line.join('  '), options.width).trimEnd()
    const state = builds[n - 1]?.state
    return options.colour && state !== undefined ? paint(text, state) : text
  })
}

function cells(build: ApiBuild, withHost: boolean, now: number): string[] {
  const { host, path } = build.repository
  const where = withHost ? `${host}/${path}` : path
  return [
    build.id,
    build.state,
    build.image,
    ...(build.upload ? ['(upload)', '-'] : [where, shortRef(build.ref)]),
    shortSha(build.sha),
    age(now - Date.parse(build.createdAt)),
    took(build, now),
    // The first digits tell digests apart.
    result(build).replace(/(sha256:[0-9a-f]{12})[0-9a-f]+/, '$1…'),
  ].map(oneLine)
}

/** From the first start of its Job to its end, or to now. */
function took({ steps, endedAt }: ApiBuild, now: number): string {
  const started = steps.find(({ name }) => name === 'starting')
  if (started === undefined) return '-'
  return shortDuration((endedAt === null ? now : Date.parse(endedAt)) - Date.parse(started.at))
}

/** `5s`, `12m`, `3h`, `2d`: the larger unit is enough to find a build by. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 120) return `${seconds}s`
  if (seconds < 120 * 60) return `${Math.floor(seconds / 60)}m`
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)}h`
  return `${Math.floor(seconds / 86_400)}d`
}

const lengthOf = (text: string): number => Array.from(text).length

const pad = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - lengthOf(text)))

function cut(text: string, width: number | undefined): string {
  const characters = Array.from(text)
  if (width === undefined || characters.length <= width) return text
  return `${characters.slice(0, Math.max(0, width - 1)).join('')}…`
}

/** The state is what is looked for; it comes after the id. */
function paint(line: string, state: BuildState): string {
  const at = line.indexOf(state)
  if (at < 0) return line
  const painted = styleText(colours[state], state, { validateStream: false })
  return `${line.slice(0, at)}${painted}${line.slice(at + state.length)}`
}
