import assert from 'node:assert/strict'
import { symlink } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { blocksOf } from '../docs/markdown.ts'
import { documentedEntries } from './support/documented.ts'
import { createWorld, type World } from './support/world.ts'
import type { GiteaStatus, TestRepository } from './support/repository.ts'

/** What a repository says of its own builds, as the documentation has it, and what the registry then has. */

const page = 'docs/repository-file.md'

let world: World

before(async () => {
  world = await createWorld({
    repositories: (places) => `
  - { match: "${places.forgeHost}/dev/closed-*", repositoryFile: ignore, destination: "${places.registry}/{owner}/{repo}", tags: ["{branch}"] }
  - match: "${places.forgeHost}/dev/listed-*"
    images: [{ name: app, destination: "${places.registry}/{owner}/{repo}", tags: ["{branch}"] }]
${documentedEntries(page, 'One status for all images', places)}
${documentedEntries(page, 'Several images', places)}`,
  })
})
after(async () => world.close())

const from = (line: string): string => `FROM ${world.cluster.baseImage}\n${line}\n`

async function pushed(repository: TestRepository, files: Record<string, string | undefined>) {
  const sha = await repository.commit(files)
  await repository.push('main')
  return sha
}

const documentedFile = (part: string): string => {
  const found = blocksOf(page).filter(
    ({ mark, text }) => mark === '.kanihook.yaml' && text.includes(part),
  )
  assert.equal(found.length, 1, part)
  return found[0]!.text
}

test('the file at the commit says what is built, and a change of it changes the build', async () => {
  const repository = await world.repository('own')
  const name = repository.path.split('/').at(-1)!
  const context = `kanihook/${name}`
  const first = await pushed(repository, {
    '.kanihook.yaml': documentedFile('dockerfile:'),
    'docker/Dockerfile.production': [
      `FROM ${world.cluster.baseImage} AS runtime`,
      'ARG VERSION',
      'COPY main.txt /main.txt',
      'RUN echo $VERSION > /version',
      'FROM runtime',
      'RUN false',
    ].join('\n'),
    'services/api/main.txt': 'of the api',
  })
  const ended = await world.ended(repository, first, context)
  assert.equal(ended.status, 'success', ended.description)
  const image = `${world.cluster.registry.host}/${repository.path}:main`
  assert.equal(await world.image.file(image, 'main.txt'), 'of the api')
  assert.equal(await world.image.file(image, 'version'), `${first.slice(0, 12)}\n`)

  const second = await pushed(repository, {
    '.kanihook.yaml': 'dockerfile: other\n',
    other: from('RUN echo other > /which'),
  })
  assert.equal((await world.ended(repository, second, context)).status, 'success')
  assert.equal(await world.image.file(image, 'which'), 'other\n')
})

describe('a repository of six images that its own file names', () => {
  const names = ['s1', 's2', 's3', 's4', 's5', 's6']
  let repository: TestRepository
  const file = (images: readonly string[]): string =>
    `tags: ['{branch}']\nimages:\n${images.map((name) => `  - { name: ${name}, context: ${name}, paths: { include: [${name}/**] } }\n`).join('')}`

  const last = async (sha: string): Promise<Record<string, GiteaStatus>> => {
    const statuses = await repository.statuses(sha)
    return Object.fromEntries(statuses.map((status) => [status.context, status]))
  }
  const allEnded = (sha: string, images: readonly string[]) =>
    eventually(
      async () => {
        const shown = await last(sha)
        const ended = images.map((name) => shown[`kanihook/${name}`])
        return ended.every((each) => each && each.status !== 'pending') ? shown : undefined
      },
      { within: 200_000, every: 250, what: 'every image has ended' },
    )

  before(async () => {
    repository = await world.repository('six')
    const folders = names.map((name) => [`${name}/Dockerfile`, from(`RUN echo ${name} 1 > /what`)])
    const sha = await pushed(repository, {
      ...Object.fromEntries(folders),
      '.kanihook.yaml': file(names),
    })
    for (const status of Object.values(await allEnded(sha, names))) {
      assert.equal(status.status, 'success', status.description)
    }
  })

  test('has each below its destination, with a status of its own', async () => {
    for (const name of names) {
      const what = await world.image.file(
        `${world.cluster.registry.host}/${repository.path}/${name}:main`,
        'what',
      )
      assert.equal(what, `${name} 1\n`)
    }
  })

  test('builds the one whose paths a push touched, and skips the others', async () => {
    const before = (await world.jobs()).length
    const sha = await pushed(repository, { 's4/Dockerfile': from('RUN echo s4 2 > /what') })
    const shown = await allEnded(sha, names)
    for (const name of names) {
      const { description = '', status } = shown[`kanihook/${name}`] ?? {}
      assert.equal(status, 'success', description)
      assert.match(description, name === 's4' ? /^Pushed / : /^Skipped: no changed file/)
    }
    assert.equal((await world.jobs()).length, before + 1)
    assert.equal(
      await world.image.file(`${world.cluster.registry.host}/${repository.path}/s4:main`, 'what'),
      's4 2\n',
    )
    assert.equal(
      await world.image.file(`${world.cluster.registry.host}/${repository.path}/s5:main`, 'what'),
      's5 1\n',
    )
  })

  test('does not build one that the file no longer names', async () => {
    const sha = await pushed(repository, { '.kanihook.yaml': file(['s1']) })
    const shown = await allEnded(sha, ['s1'])
    assert.deepEqual(Object.keys(shown), ['kanihook/s1'])
  })
})

test('one status stands for all images of a push, and leads to the page of each build', async () => {
  const repository = await world.repository('monorepo')
  const file = `tags: ['{branch}']\nimages:\n${['api', 'docs', 'web'].map((name) => `  - { name: ${name}, context: ${name}, paths: { include: [${name}/**] } }\n`).join('')}`
  const sha = await pushed(repository, {
    '.kanihook.yaml': file,
    'api/Dockerfile': from('RUN true'),
    'docs/Dockerfile': from('RUN true'),
    'web/Dockerfile': from('RUN exit 3'),
  })
  const ended = await world.ended(repository, sha, 'kanihook')
  assert.equal(ended.status, 'failure')
  assert.match(
    ended.description,
    /^1 failed: web; 2 pushed \(web: RUN .*failed with exit code 3.*\)$/,
  )
  const all = await repository.statuses(sha)
  assert.deepEqual([...new Set(all.map(({ context }) => context))], ['kanihook'])
  const states = all.map(({ status }) => status)
  assert.equal(states.lastIndexOf('pending'), states.indexOf('failure') - 1, states.join(' '))

  const page = await (await fetch(ended.target_url)).text()
  const links = [...page.matchAll(/href="(\.\.[^"]+)"><strong>(\w+)</g)]
  assert.deepEqual(
    links.map(([, , name]) => name),
    ['api', 'docs', 'web'],
  )
  for (const [, link = '', name = ''] of links) {
    const build = await fetch(new URL(link, ended.target_url))
    assert.equal(build.status, 200)
    assert.ok((await build.text()).includes(`${name} of ${repository.path}`))
  }

  const mended = await pushed(repository, { 'web/Dockerfile': from('RUN true') })
  const { status, description } = await world.ended(repository, mended, 'kanihook')
  assert.deepEqual([status, description], ['success', '3 images: 1 pushed, 2 skipped'])
})

describe('a file with a fault', () => {
  const jobsOf = async ({ path }: TestRepository): Promise<number> =>
    (await world.jobs()).filter(
      ({ metadata }) => metadata?.annotations?.['kanihook.dev/repository-path'] === path,
    ).length

  for (const [what, text, description] of [
    [
      'that would push elsewhere',
      'tags: [x]\ndestination: evil.example.com/x\n',
      /^\.kanihook\.yaml line 2: destination: only the kanihook\.yaml of the/,
    ],
    [
      'that names a secret',
      'buildArgs:\n  T: { secret: registry-credentials, key: .dockerconfigjson }\n',
      /^\.kanihook\.yaml line 2: buildArgs\.T: a Secret is named by the kanihook\.yaml/,
    ],
    [
      'that names an image which the entry does not list',
      'images: [{ name: other }]\n',
      /^\.kanihook\.yaml line 1: images\[0\]\.name: .*\(it has app\)$/,
    ],
  ] as const) {
    test(`${what} fails the commit with the line, and no Job is made`, async () => {
      const repository = await world.repository('listed')
      const sha = await pushed(repository, { Dockerfile: from('RUN true'), '.kanihook.yaml': text })
      const status = await world.ended(repository, sha)
      assert.equal(status.status, 'failure')
      assert.match(status.description, description)
      assert.equal(await jobsOf(repository), 0)

      const mended = await pushed(repository, { '.kanihook.yaml': undefined })
      assert.equal((await world.ended(repository, mended)).status, 'success')
    })
  }

  test('that is a link is not followed', async () => {
    const repository = await world.repository('listed')
    const sha = await repository.commitFolder(async (folder) => {
      await symlink('/etc/passwd', `${folder}/.kanihook.yaml`)
    })
    await repository.push('main')
    const { status, description } = await world.ended(repository, sha)
    assert.equal(status, 'failure')
    assert.equal(description, '.kanihook.yaml is a symbolic link (commit a regular file)')
  })

  test('is not looked at where the operator does not read it', async () => {
    const repository = await world.repository('closed')
    const name = repository.path.split('/').at(-1)!
    const sha = await pushed(repository, { Dockerfile: from('RUN true'), '.kanihook.yaml': '}{' })
    const status = await world.ended(repository, sha, `kanihook/${name}`)
    assert.equal(status.status, 'success', status.description)
  })
})
