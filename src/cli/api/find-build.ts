import { CommandFailed, UsageError } from '../command.ts'
import { about } from '../words.ts'
import type { ApiClient } from './client.ts'

const idLength = 16

/** The id of the build that was named by it, or by what it alone begins with. */
export async function findBuild(api: Pick<ApiClient, 'builds'>, given: string): Promise<string> {
  const digits = given.toLowerCase()
  if (!/^[0-9a-f]{1,16}$/.test(digits)) {
    throw new UsageError('BUILD must be the id of a build, or its first digits (0-9, a-f)')
  }
  if (digits.length === idLength) return digits
  const found = await api.builds({ id: digits, limit: 10 })
  const [first, second] = found
  if (first === undefined) throw new CommandFailed(`no build's id begins with ${digits}`)
  if (second === undefined) return first.id
  const lines = found.map((build) => `  ${build.id}  ${build.state.padEnd(10)}  ${about(build)}`)
  const more = found.length === 10 ? ['  …'] : []
  throw new CommandFailed(
    [`several builds' ids begin with ${digits}: write more of it`, ...lines, ...more].join('\n'),
  )
}
