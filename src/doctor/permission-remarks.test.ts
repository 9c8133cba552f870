import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { permissions } from '../cluster/permissions.ts'
import { permissionRemarks } from './permission-remarks.ts'

it('what is asked for is what the Role of a worker allows, no more and no less', () => {
  const file = new URL('../../test/cluster/manifests/worker.yaml', import.meta.url)
  const documents = parseAllDocuments(readFileSync(file, 'utf8')).map(
    (document) => document.toJS() as { kind: string; rules?: readonly Rule[] },
  )
  const rules = documents.find(({ kind }) => kind === 'Role')?.rules
  assert.deepEqual(
    permissions.map(({ group, resource, verbs }) => ({
      apiGroups: [group],
      resources: [resource],
      verbs,
    })),
    rules,
  )
})

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

it('all that is needed and no more is one line', () => {
  const remarks = permissionRemarks({ missing: [], excess: [] }, 'builds')
  assert.deepEqual(
    remarks.map(({ severity }) => severity),
    ['ok'],
  )
})

it('each missing rule is named with the lines to add', () => {
  const missing = [{ group: 'batch', resource: 'jobs', verbs: ['create', 'delete'] }]
  const [said] = permissionRemarks({ missing, excess: [] }, 'builds')
  assert.equal(said?.severity, 'error')
  assert.equal(said?.message, 'the account may not create, delete jobs.batch in builds')
  assert.match(
    said?.fix ?? '',
    /- \{ apiGroups: \["batch"\], resources: \["jobs"\], verbs: \[create, delete\] \}$/,
  )
})

it('more than is needed is a warning', () => {
  const [, said] = permissionRemarks({ missing: [], excess: ['do anything'] }, 'builds')
  assert.equal(said?.severity, 'warning')
})
