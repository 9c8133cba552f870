import type { RefHead } from '../builds/ports.ts'
import { isPullRequest } from '../builds/push-event.ts'

/** What a git server says that it has. */
export interface RemoteRefs {
  /** Without `refs/heads/`; undefined where HEAD leads to no branch. */
  readonly defaultBranch: string | undefined
  /** Branches, tags and heads of pull requests, by their full names. */
  readonly heads: ReadonlyMap<string, RefHead>
}

const peeled = '^{}'

/** Reads what `git ls-remote --symref` prints. An annotated tag is two lines, the second `<ref>^{}`. */
export function readRefs(output: string): RemoteRefs {
  const ids = new Map<string, string>()
  let defaultBranch: string | undefined
  for (const line of output.split('\n')) {
    const [value = '', ref = ''] = line.split('\t')
    if (value.startsWith('ref: refs/heads/') && ref === 'HEAD') {
      defaultBranch = value.slice('ref: refs/heads/'.length)
    } else if (/^refs\/(heads|tags)\//.test(ref) || isPullRequest(ref)) ids.set(ref, value)
  }
  const heads = [...ids].flatMap(([ref, object]) =>
    ref.endsWith(peeled)
      ? []
      : [[ref, { object, commit: ids.get(`${ref}${peeled}`) ?? object }] as const],
  )
  return { defaultBranch, heads: new Map(heads) }
}
