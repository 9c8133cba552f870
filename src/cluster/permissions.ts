/** What the Role of a worker has to allow in the namespace of the builds. */
export interface Permission {
  /** Empty: the core group. */
  readonly group: string
  /** `pods/log` is the log of a pod. */
  readonly resource: string
  readonly verbs: readonly string[]
  /** Builds run without it, and say less. */
  readonly optional?: true
}

/** Everything that this folder asks of the API, by the rules of a Role. */
export const permissions: readonly Permission[] = [
  { group: 'batch', resource: 'jobs', verbs: ['create', 'get', 'list', 'delete'] },
  { group: '', resource: 'pods', verbs: ['list', 'watch'] },
  { group: '', resource: 'pods/log', verbs: ['get'] },
  { group: '', resource: 'secrets', verbs: ['create', 'get', 'delete'] },
  { group: '', resource: 'events', verbs: ['list'], optional: true },
]

/** What it has to allow in addition where an image says `backend: tekton`. */
export const tektonPermissions: readonly Permission[] = [
  { group: 'tekton.dev', resource: 'taskruns', verbs: ['create', 'get', 'list', 'delete'] },
]
