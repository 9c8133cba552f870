import assert from 'node:assert/strict'
import { test } from 'node:test'
import { check, isOver, type Kind } from './check.ts'
import type { History, Job, Push, State, Status } from './history.ts'

/** A checker that sees nothing would call every run good: each kind of bug, by hand, must be found. */

const repository = 'acme/app'
const ref = 'refs/heads/main'
const one = '1'.repeat(40)
const two = '2'.repeat(40)

const push = (sha: string, more: Partial<Push> = {}): Push => ({
  repository,
  ref,
  sha,
  at: 0,
  ends: 'pushed',
  deliveries: [{ at: 1, status: 202 }],
  ...more,
})

const said = (sha: string, ...all: readonly (State | readonly [State, string, number?])[]) =>
  all.map((each, index): Status => {
    const [state, description = '', at = 100 + index] = typeof each === 'string' ? [each] : each
    return { repository, sha, context: 'kanihook/app', state, description, at }
  })

const job = (sha: string, more: Partial<Job> = {}): Job => ({
  name: `job-${sha.slice(0, 4)}`,
  repository,
  ref,
  sha,
  image: 'app',
  attempt: 1,
  createdAt: 10,
  endedAt: 20,
  taken: false,
  end: 'pushed',
  ...more,
})

const seen = (more: Partial<History>): History => ({
  images: new Map([[repository, ['app']]]),
  pushes: [push(one)],
  statuses: [],
  jobs: [],
  ...more,
})

/** What is found, as `kind: the rest of the sentence`. */
const found = (history: History): string[] =>
  check(history).map(({ kind, what }) => `${kind}: ${what.slice(what.indexOf(': ') + 2)}`)

const isFound = (history: History, kind: Kind, what: RegExp): void => {
  const all = found(history)
  assert.equal(all.length, 1, all.join('\n'))
  assert.match(all[0] as string, new RegExp(`^${kind}: .*${what.source}`))
}

const good = seen({ statuses: said(one, 'pending', 'success'), jobs: [job(one)] })

const superseded: readonly [State, string] = ['error', `Superseded by ${two.slice(0, 7)}`]

/** The older commit was superseded by the newer one. */
const overtaken = (older: Partial<Job> = {}, newer: Partial<Job> = {}): History =>
  seen({
    pushes: [push(one), push(two)],
    statuses: [...said(one, 'pending', superseded), ...said(two, 'pending', 'success')],
    jobs: [
      job(one, { end: 'removed', ...older }),
      job(two, { createdAt: 30, endedAt: 40, ...newer }),
    ],
  })

test('nothing is found where every promise was kept', () => {
  assert.deepEqual(found(good), [])
  assert.deepEqual(found(overtaken()), [])
})

test('the same end told twice is one end', () => {
  assert.deepEqual(found({ ...good, statuses: said(one, 'pending', 'success', 'success') }), [])
})

test('an author’s mistake is a failure, and nothing else', () => {
  const pushes = [push(one, { ends: 'failed' })]
  const jobs = [job(one, { end: 'failed' })]
  assert.deepEqual(found(seen({ pushes, jobs, statuses: said(one, 'pending', 'failure') })), [])
  const wrong = seen({ pushes, jobs, statuses: said(one, 'pending', 'success') })
  isFound(wrong, 'wrong', /no Job has pushed/)
})

test('lost: accepted, and never heard of', () => {
  isFound(seen({}), 'lost', /accepted, and has no status/)
})

test('lost: one image of two', () => {
  const images = new Map([[repository, ['app', 'web']]])
  isFound({ ...good, images }, 'lost', /accepted/)
})

test('what was not accepted may be unheard of', () => {
  const deliveries = [
    { at: 1, status: 0 },
    { at: 2, status: 503 },
  ]
  assert.deepEqual(found(seen({ pushes: [push(one, { deliveries })] })), [])
})

test('one of two deliveries that is accepted is enough of a promise', () => {
  const deliveries = [
    { at: 1, status: 503 },
    { at: 2, status: 202 },
  ]
  isFound(seen({ pushes: [push(one, { deliveries })] }), 'lost', /accepted/)
})

test('a push may be passed over for a later one of its branch that was heard of', () => {
  const jobs = [job(two)]
  const statuses = said(two, 'pending', 'success')
  assert.deepEqual(found(seen({ pushes: [push(one), push(two)], statuses, jobs })), [])
})

test('lost: the newest push, whatever became of an older one', () => {
  isFound({ ...good, pushes: [push(one), push(two)] }, 'lost', /accepted/)
})

test('lost: a later push of another branch is no excuse', () => {
  const other = push(two, { ref: 'refs/heads/other' })
  const jobs = [job(two, { ref: other.ref })]
  const statuses = said(two, 'pending', 'success')
  isFound(seen({ pushes: [push(one), other], statuses, jobs }), 'lost', /accepted/)
})

test('stuck: it has no end', () => {
  const running = [job(one, { end: undefined, endedAt: undefined })]
  const history = seen({ statuses: said(one, 'pending', 'pending'), jobs: running })
  isFound(history, 'stuck', /still pending/)
})

test('wrong: pending after its end, even if it ends again', () => {
  const statuses = said(one, 'pending', 'success', 'pending', 'success')
  isFound({ ...good, statuses }, 'wrong', /pending after its end/)
})

test('doubled: two ends', () => {
  const statuses = said(one, 'pending', ['error', 'no'], 'success')
  isFound({ ...good, statuses }, 'doubled', /more than one way/)
})

test('doubled: two ends that differ in their words alone', () => {
  const statuses = said(one, ['success', 'Pushed in 1s'], ['success', 'Pushed in 2s'])
  isFound({ ...good, statuses }, 'doubled', /more than one way/)
})

test('doubled: two Jobs at once', () => {
  const jobs = [job(one, { end: 'removed' }), job(one, { name: 'again', createdAt: 15 })]
  isFound({ ...good, jobs }, 'doubled', /again ran beside/)
})

test('doubled: a second Job after the first had pushed', () => {
  const jobs = [job(one), job(one, { name: 'again', createdAt: 30, endedAt: 40 })]
  isFound({ ...good, jobs }, 'doubled', /again came after job-1111, which was pushed/)
})

test('doubled: a Job that was made after the end was told', () => {
  const jobs = [
    job(one, { end: 'removed' }),
    job(two),
    job(one, { name: 'late', end: 'removed', createdAt: 200, endedAt: 210 }),
  ]
  const statuses = [...said(one, superseded), ...said(two, 'success')]
  const history = seen({ pushes: [push(one), push(two)], statuses, jobs })
  const lone = found({ ...history, jobs: jobs.filter(({ sha }) => sha === one) })
  assert.ok(
    lone.some((each) => each.startsWith('doubled: late was made after its end')),
    lone.join('\n'),
  )
})

test('a second try after a pod that a fault took away is no second build', () => {
  const again = job(one, { name: 'again', createdAt: 30, endedAt: 40 })
  const lost = job(one, { end: 'removed', taken: true })
  assert.deepEqual(found({ ...good, jobs: [lost, again] }), [])
  // It had pushed just before, and nobody could read that any more.
  assert.deepEqual(found({ ...good, jobs: [job(one, { taken: true }), again] }), [])
})

test('doubled: a second pod though nothing had taken the first away, as after a hand-over', () => {
  const jobs = [
    job(one, { end: 'removed' }),
    job(one, { name: 'again', createdAt: 30, endedAt: 40 }),
  ]
  isFound({ ...good, jobs }, 'doubled', /again came after job-1111, which was removed/)
})

test('an error for want of tries is true where faults took as many pods, and wrong where not', () => {
  const takenAway = [10, 30, 50].map((createdAt) =>
    job(one, { createdAt, endedAt: createdAt + 10, end: 'removed', taken: true }),
  )
  const statuses = said(one, ['error', 'The Job or its pod vanished (after 3 tries)'])
  assert.deepEqual(found(seen({ jobs: takenAway, statuses })), [])
  isFound(seen({ jobs: takenAway.slice(1), statuses }), 'wrong', /nothing was wrong with it/)
})

test('wrong: green without an image', () => {
  isFound({ ...good, jobs: [] }, 'wrong', /no Job has pushed/)
  isFound({ ...good, jobs: [job(one, { end: 'removed' })] }, 'wrong', /no Job has pushed/)
})

test('wrong: red without a reason', () => {
  isFound({ ...good, statuses: said(one, ['error', 'Lost']) }, 'wrong', /nothing was wrong/)
  isFound({ ...good, statuses: said(one, 'failure') }, 'wrong', /nothing was wrong/)
})

test('wrong: superseded by what is no later push of the branch', () => {
  const history = { ...good, jobs: [], statuses: said(one, superseded) }
  isFound(history, 'wrong', /no later push/)
  const backwards = { ...overtaken(), pushes: [push(two), push(one)] }
  assert.ok(found(backwards).some((each) => /^wrong: .*no later push/.test(each)))
})

test('wrong: superseded though its image was pushed', () => {
  isFound(overtaken({ end: 'pushed' }), 'wrong', /its image was pushed/)
})

test('wrong: two commits of a branch are built at once', () => {
  isFound(overtaken({ endedAt: 35 }), 'wrong', /ran beside job-2222 of a newer commit/)
})

test('wrong: an older commit is pushed after a newer one', () => {
  const jobs = [job(two), job(one, { createdAt: 30, endedAt: 40 })]
  const statuses = [...said(one, 'success'), ...said(two, 'success')]
  const history = seen({ pushes: [push(one), push(two)], statuses, jobs })
  isFound(history, 'wrong', /moved the tag of refs\/heads\/main back/)
})

test('a run is over when nothing is open, and not while a pod still runs', () => {
  assert.equal(isOver(good), true)
  assert.equal(isOver(seen({})), false)
  const running = [job(one), job(one, { end: undefined, endedAt: undefined })]
  assert.equal(isOver({ ...good, jobs: running }), false)
})
