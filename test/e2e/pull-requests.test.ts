import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { runCommand } from '../support/run-kanihook.ts'
import { documentedEntries } from './support/documented.ts'
import { ownersPullRequests, strangersPullRequests } from './support/pull-requests.ts'
import type { TestRepository } from './support/repository.ts'
import { createWorld, type World } from './support/world.ts'

/** Pull requests of the real Gitea, built by the entry that the documentation shows. */

let world: World
/** Which anybody may read, with an image of its main branch. */
let repository: TestRepository
let main: string

before(async () => {
  world = await createWorld({
    repositories: (places) =>
      ['Build them', 'Approve a commit of a fork']
        .map((heading) => documentedEntries('docs/pull-requests.md', heading, places))
        .join(''),
  })
  repository = await world.repository('shop', { hook: true, public: true })
  main = await repository.commit({ Dockerfile: dockerfile(), 'content.txt': 'main' })
  await repository.push('main')
  assert.equal((await world.ended(repository, main)).status, 'success')
})
after(async () => world.close())

const dockerfile = (run = 'true'): string =>
  `FROM ${world.cluster.baseImage}\nCOPY content.txt /content.txt\nRUN ${run}\n`

const image = (tag: string): string => `${world.cluster.registry.host}/acme/shop:${tag}`

interface ApiBuild {
  readonly id: string
  readonly state: string
  readonly sha: string
  readonly ref: string
  readonly reason: string | null
}

const builds = async (): Promise<ApiBuild[]> =>
  (await world.kanihook.api<{ builds: ApiBuild[] }>(`/builds?repository=${repository.path}`)).builds

const running = (sha: string): Promise<ApiBuild> =>
  eventually(
    async () => (await builds()).find((build) => build.sha === sha && build.state === 'running'),
    { within: 60_000, what: `the build of ${sha} runs` },
  )

/** What the receiver and the planner said about pull requests, each once. */
const said = (): string => world.kanihook.output.join('\n')

const hears = (words: RegExp): Promise<unknown> =>
  eventually(async () => words.test(said()), { within: 40_000, what: `kanihook says ${words}` })

/** A commit on a new branch from main. */
async function branch(name: string, run?: string): Promise<string> {
  await repository.git('checkout', '--quiet', '-B', name, main)
  return repository.commit({ Dockerfile: dockerfile(run), 'content.txt': name })
}

test('a pull request becomes an image under its number and a status on its head; main keeps its own', async () => {
  const ofMain = await world.image.digest(image('main'))
  const sha = await branch('feature')
  await repository.push('feature')
  const number = await ownersPullRequests(world.cluster).open(repository, 'feature')
  const end = await world.ended(repository, sha)
  assert.equal(end.status, 'success')
  assert.equal(end.context, 'kanihook/app')
  assert.equal(await world.image.file(image(`pr-${number}`), 'content.txt'), 'feature')
  const digest = await world.image.digest(image(`pr-${number}`))
  assert.equal(await world.image.digest(image(sha.slice(0, 12))), digest)
  assert.equal(await world.image.digest(image('main')), ofMain)
  assert.equal(await world.image.digest(image('feature')), undefined)
  const [build] = await builds()
  assert.equal(build?.ref, `refs/pull/${number}/head`)
  const page = await (await fetch(end.target_url)).text()
  assert.match(page, new RegExp(`pull request <code>${number}</code>`))
})

test('a push to it supersedes its running build, its end cancels one, and opening it again builds it again', async () => {
  const first = await branch('moved', 'sleep 60')
  await repository.push('moved')
  const pulls = ownersPullRequests(world.cluster)
  const number = await pulls.open(repository, 'moved')
  await running(first)
  const second = await repository.commit({ 'content.txt': 'second' })
  await repository.push('moved')
  const superseded = await world.ended(repository, first)
  assert.equal(superseded.description, `Superseded by ${second.slice(0, 7)}`)

  await running(second)
  await pulls.setState(repository, number, 'closed')
  const cancelled = await world.ended(repository, second)
  assert.equal(cancelled.description, `Cancelled by the end of pull request ${number}`)

  await pulls.setState(repository, number, 'open')
  await running(second)
  const third = await repository.commit({ Dockerfile: dockerfile(), 'content.txt': 'third' })
  await repository.push('moved')
  assert.equal((await world.ended(repository, third)).status, 'success')
  assert.equal(await world.image.file(image(`pr-${number}`), 'content.txt'), 'third')
})

test('a pull request of a fork is not built, and gets no status', async () => {
  const stranger = `stranger${randomBytes(3).toString('hex')}`
  const strangers = await strangersPullRequests(world.cluster, stranger)
  const fork = await strangers.fork(repository)
  const sha = await branch('forked')
  await repository.git('push', '--quiet', fork, 'HEAD:forked')
  const number = await strangers.open(repository, `${stranger}:forked`)
  await hears(new RegExp(`pull request ${number} comes from a fork`))
  assert.deepEqual(await repository.statuses(sha), [])
  assert.ok(!(await builds()).some((build) => build.sha === sha))
})

test('nor is one that a stranger pushed to the repository’s refs/for/main, which Gitea calls no fork’s', async () => {
  const stranger = `stranger${randomBytes(3).toString('hex')}`
  const strangers = await strangersPullRequests(world.cluster, stranger)
  const sha = await branch('agit')
  const url = strangers.cloneUrl(repository)
  await repository.git('push', '--quiet', '-o', 'topic=feature', url, 'HEAD:refs/for/main')
  await hears(new RegExp(`is at ${sha.slice(0, 12)}, where branch .* of this repository is not`))
  assert.deepEqual(await repository.statuses(sha), [])
  assert.ok(!(await builds()).some((build) => build.sha === sha))
})

test('where forks are approved, a commit is built once it is named by its whole id, and the next one is not', async () => {
  const open = await world.repository('open', { hook: true, public: true })
  await open.commit({ Dockerfile: dockerfile(), 'content.txt': 'main' })
  await open.push('main')
  const stranger = `stranger${randomBytes(3).toString('hex')}`
  const strangers = await strangersPullRequests(world.cluster, stranger)
  const fork = await strangers.fork(open)
  const sha = await open.commit({ 'content.txt': 'of a stranger' })
  await open.git('push', '--quiet', fork, 'HEAD:refs/heads/topic')
  const number = await strangers.open(open, `${stranger}:topic`)

  const refused = await world.ended(open, sha)
  assert.equal(refused.status, 'error')
  assert.match(refused.description, /^Not built: .* \(kanihook approve\)$/)

  const approve = (commit: string) =>
    runCommand(['approve', `${world.forgeHost}/${open.path}`, `${number}`, commit], {
      KANIHOOK_URL: world.kanihook.adminUrl,
    })
  const other = await approve('f'.repeat(40))
  assert.ok(other.err.includes(`pull request ${number} is at ${sha}`), other.err)
  const approved = await approve(sha)
  assert.equal(approved.code, 0, approved.err)
  const succeeded = await eventually(
    async () => (await open.statuses(sha)).find(({ status }) => status === 'success'),
    { within: 60_000, what: 'the approved commit is built' },
  )
  assert.match(succeeded.description, /^Pushed /)
  const tag = `${world.cluster.registry.host}/acme/open:pr-${number}`
  assert.equal(await world.image.file(tag, 'content.txt'), 'of a stranger')

  const next = await open.commit({ 'content.txt': 'something else' })
  await open.git('push', '--quiet', fork, 'HEAD:refs/heads/topic')
  assert.match((await world.ended(open, next)).description, /this commit is not approved/)
  assert.equal(await world.image.file(tag, 'content.txt'), 'of a stranger')
})
