import type { BuildState, Step } from '../builds/build.ts'
import type { StepName } from '../builds/containers.ts'

/** How a state looks: the colours are the style sheet's classes of these names. */
export type Tone = 'waiting' | 'active' | 'good' | 'bad' | 'trouble' | 'quiet'

export const stateWords: Readonly<Record<BuildState, { word: string; tone: Tone }>> = {
  waiting: { word: 'Queued', tone: 'waiting' },
  starting: { word: 'Starting', tone: 'active' },
  running: { word: 'Building', tone: 'active' },
  succeeded: { word: 'Succeeded', tone: 'good' },
  failed: { word: 'Failed', tone: 'bad' },
  error: { word: 'Error', tone: 'trouble' },
  cancelled: { word: 'Cancelled', tone: 'quiet' },
  superseded: { word: 'Superseded', tone: 'quiet' },
  skipped: { word: 'Skipped', tone: 'quiet' },
}

const stepWords: Readonly<Record<StepName, string>> = {
  queued: 'Queued',
  starting: 'Starting the pod',
  cloning: 'Cloning',
  building: 'Building',
  scanning: 'Scanning',
  publishing: 'Pushing',
  pushed: 'Pushed, without a tag yet',
}

const pad = (n: number): string => String(n).padStart(2, '0')

/** `840ms`, `4.2s`, `42s`, `1m 03s`, `1h 05m`: short enough for a column. */
export function shortDuration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))}ms`
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)}s`
  const seconds = Math.round(ms / 1_000)
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}m ${pad(seconds % 60)}s`
  return `${Math.floor(minutes / 60)}h ${pad(minutes % 60)}m`
}

/** `2026-01-31 12:00:05 UTC`: without a script a page cannot know the reader's time zone. */
export const utc = (ms: number): string =>
  `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`

/** `12:00:05`, in UTC. */
export const clock = (ms: number): string => new Date(ms).toISOString().slice(11, 19)

export const shortSha = (sha: string): string => sha.slice(0, 7)

/** What a step is called; where a build has several parts, of which it is. `upload`: whether it is a build of one. */
export function stepName({ name, part }: Pick<Step, 'name' | 'part'>, upload: boolean): string {
  const word = upload && name === 'cloning' ? 'Fetching the upload' : stepWords[name]
  return part === undefined ? word : `${part}: ${word}`
}
