import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import { fails, hangs, succeeds, type ScriptedPod } from '../../stand-ins/kubernetes/index.ts'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { runCommand, startCommand, type CommandRun } from '../../support/run-kanihook.ts'
import { adminToken, install, path, type Installation } from './installation.ts'

/** The commands of an operator as processes, asking a kanihook that runs. */

let its: Installation

before(async () => {
  its = await install(
    `repositories: [{ match: "**", branches: ["**"], images: [{ name: app, destination: "registry.example.com/{owner}/{repo}" }] }]`,
  )
})
after(() => its?.close())
beforeEach(() => its.runner.byDefault(succeeds))

const running: CommandRun[] = []
const start = (...args: string[]): CommandRun => {
  const command = startCommand(args, its.client)
  running.push(command)
  return command
}
after(() => running.forEach(({ child }) => child.kill('SIGKILL')))

const says = (command: CommandRun, where: 'out' | 'err', pattern: RegExp): Promise<unknown> =>
  eventually(() => command[where].some((line) => pattern.test(line)), {
    what: `${pattern} in [${command[where].join('\n')}]`,
  })

/** A pod that writes what the test gives it and ends when the test says so. */
function heldPod() {
  const { promise, resolve } = Promise.withResolvers<void>()
  const pods = Promise.withResolvers<ScriptedPod>()
  its.runner.byDefault(async (pod) => {
    pod.clone()
    pod.begin('build')
    pods.resolve(pod)
    await promise
    pod.pushed()
  })
  return { pod: pods.promise, release: resolve }
}

describe('kanihook builds', () => {
  it('lists builds newest first, with what came of them', async () => {
    const first = await its.push('list/first')
    await its.reaches(first.id, 'succeeded')
    its.runner.byDefault(
      fails({ exitCode: 1 }, 'error building image: failed to get file info for Dockerfile'),
    )
    const second = await its.push('list/second')
    await its.reaches(second.id, 'failed')
    const { code, out } = await its.run('builds')
    assert.equal(code, 0)
    const [head, ...rows] = out.split('\n')
    assert.match(head ?? '', /^ID +STATE +IMAGE +REPOSITORY +REF +COMMIT +AGE +TOOK +RESULT$/)
    assert.match(rows[0] ?? '', new RegExp(`^${second.id}  failed +app +${path} +list/second `))
    assert.match(
      rows[1] ?? '',
      new RegExp(
        `^${first.id}  succeeded  app +${path} +list/first +${first.sha.slice(0, 7)} +\\d+s +\\S+ +Pushed registry\\.example\\.com/acme/app:list-first and 1 more \\(sha256:`,
      ),
    )
    assert.ok(!out.includes('\u001b'), 'colours where nobody looks')
  })

  it('lists those that are asked for, over several pages', async () => {
    const one = await its.push('list/one')
    await its.reaches(one.id, 'succeeded')
    const two = await its.push('list/two')
    await its.reaches(two.id, 'succeeded')
    const all = JSON.parse((await its.run('builds', '--json')).out) as { builds: { id: string }[] }
    assert.ok(all.builds.length >= 4)
    const limited = JSON.parse((await its.run('builds', '--json', '-n', '1')).out) as typeof all
    assert.deepEqual(
      limited.builds.map(({ id }) => id),
      [two.id],
    )
    const failed = (await its.run('builds', '--state', 'failed', '--repository', path)).out
    assert.ok(!failed.includes('succeeded') && failed.split('\n').length === 2, failed)
    const none = await its.run('builds', '--repository', 'acme/none')
    assert.deepEqual(none, { code: 0, out: '', err: 'There is no such build.' })
  })
})

describe('kanihook logs', () => {
  it('prints the log of a build that is named by the first digits of its id', async () => {
    const { id } = await its.push('logs/whole')
    await its.reaches(id, 'succeeded')
    const log = await eventually(async () => {
      const ran = await its.run('logs', id.slice(0, 12))
      return ran.out.includes('Pushed image') && ran
    })
    assert.match(log.out, /^clone \[simulated\]/m)
    assert.match(log.out, /^build .*Pushed image$/m)
    assert.match((await its.run('logs', '-t', id)).out, /^\d{4}-\d\d-\d\dT\S+Z clone /m)
  })

  it('follows a build to its end: what it waits for, each line as it comes, how it ended', async () => {
    const held = heldPod()
    const { id } = await its.push('logs/follow')
    const command = start('logs', '-f', id)
    const pod = await held.pod
    pod.log('build', 'the first line')
    await says(command, 'out', /^build the first line$/)
    pod.log('build', 'the \u001b[31msecond\u001b[0m\u0007 line')
    await says(command, 'out', /^build the second line$/)
    assert.equal(command.child.exitCode, null)
    held.release()
    assert.equal(await command.ended, 0)
    assert.equal(command.out.filter((line) => line.includes('the first line')).length, 1)
    assert.match(command.err.at(-1) ?? '', /^app of acme\/app logs\/follow at \w{12}: succeeded: /)
  })

  it('tells why there is no log yet', async () => {
    const why = 'pods "x" is forbidden: exceeded quota: builds'
    its.cluster.refusePods(why)
    try {
      const { id } = await its.push('logs/waits')
      const command = start('logs', '-f', id)
      await says(command, 'err', /app of acme\/app logs\/waits at \w{12}: (Queued|Starting)/)
      await its.run('cancel', id)
      assert.equal(await command.ended, 1)
      assert.match(command.err.at(-1) ?? '', /: cancelled: Cancelled by an operator$/)
    } finally {
      its.cluster.refusePods(undefined)
    }
  })

  it('exits with 1 when the build failed', async () => {
    its.runner.byDefault(fails({ exitCode: 1 }, 'error building image: no'))
    const { id } = await its.push('logs/fails')
    const { code, err } = await its.run('logs', '--follow', id)
    assert.equal(code, 1)
    assert.match(err, /: failed: /)
  })

  it('lists what an id may have meant', async () => {
    const ids = new Set<string>()
    // Two ids begin with the same digit after 17 builds at the latest.
    let twice: string | undefined
    for (let n = 0; twice === undefined; n++) {
      const [digit = ''] = (await its.push(`ids/${n}`)).id
      if (ids.has(digit)) twice = digit
      ids.add(digit)
    }
    const ran = await its.run('logs', twice)
    assert.equal(ran.code, 69)
    assert.match(ran.err, /^kanihook: several builds' ids begin with . *: write more of it$/m)
    assert.ok(ran.err.split('\n').length > 2)
    for (const line of ran.err.split('\n').slice(1)) {
      assert.match(line, new RegExp(`^  ${twice}[0-9a-f]{15}  \\w+ +app of acme/app `))
    }
  })

  it('says that there is no such build', async () => {
    const never = await its.run('logs', '0'.repeat(16))
    assert.equal(never.code, 69)
    assert.match(never.err, /^kanihook: no such build: /)
  })
})

describe('kanihook rebuild', () => {
  it('builds the commit again and prints the id of the new build', async () => {
    const { id, sha } = await its.push('rebuild/plain')
    await its.reaches(id, 'succeeded')
    const { code, out, err } = await its.run('rebuild', id)
    assert.equal(code, 0)
    assert.match(err, /is built again: build [0-9a-f]{16}, attempt 2$/)
    assert.equal((await its.reaches(out, 'succeeded')).sha, sha)
  })

  it('has Kaniko say more, and follows that', async () => {
    const { id } = await its.push('rebuild/loud')
    await its.reaches(id, 'succeeded')
    const { code, out, err } = await its.run('rebuild', id, '--verbosity', 'debug', '-f')
    assert.equal(code, 0, err)
    assert.match(out, /^build .*Pushed image$/m)
    const loud = / build ([0-9a-f]{16}), attempt 2/.exec(err)?.[1] ?? ''
    assert.equal(
      (await its.build(loud)).cause,
      `rebuild of ${id} by an operator with verbosity debug`,
    )
    const job = its.cluster.job(`kanihook-app-${loud}-1`)
    const args = job?.spec?.template.spec?.containers[0]?.args ?? []
    assert.ok(args.includes('--verbosity=debug'), args.join(' '))
  })

  it('says why a build is not built again', async () => {
    its.runner.byDefault(hangs)
    const { id } = await its.push('rebuild/running')
    const ran = await its.run('rebuild', id)
    assert.equal(ran.code, 69)
    assert.match(ran.err, /of the same commit has not ended yet$/)
    await its.run('cancel', id)
    assert.equal((await its.run('rebuild', id, '--verbosity', 'loud')).code, 64)
  })
})

describe('kanihook cancel', () => {
  it('ends a running build', async () => {
    its.runner.byDefault(hangs)
    const { id } = await its.push('cancel/running')
    await its.reaches(id, 'running')
    const asked = await its.run('cancel', id)
    assert.deepEqual([asked.code, asked.err], [0, ''])
    assert.match(asked.out, /^app of acme\/app cancel\/running at \w{12} was asked to end/)
    await its.reaches(id, 'cancelled')
    const again = await its.run('cancel', id)
    assert.equal(again.code, 69)
    assert.match(again.err, /has ended already: cancelled$/)
  })
})

describe('kanihook approve', () => {
  const sha = 'a'.repeat(40)

  it('says that nothing waits, where nothing does', async () => {
    const ran = await its.run('approve', `git.example.com/${path}`, '12', sha)
    assert.equal(ran.code, 69)
    assert.match(ran.err, /no pull request 12 of git\.example\.com\/acme\/app waits for approval/)
  })

  it('takes one commit, by its whole id', async () => {
    for (const [number, commit] of [
      ['twelve', sha],
      ['0', sha],
      ['12', 'aaaaaaa'],
      ['12', 'main'],
    ] as const) {
      assert.equal((await its.run('approve', `git.example.com/${path}`, number, commit)).code, 64)
    }
  })
})

describe('who may ask', () => {
  it('in its own pod the settings of kanihook are enough', async () => {
    const { port } = new URL(its.kanihook.adminUrl)
    const ran = await runCommand(['builds'], { ...its.settings, ADMIN_PORT: port })
    assert.equal(ran.code, 0, ran.err)
  })

  it('a token that is missing or wrong is told apart, and not shown', async () => {
    const { KANIHOOK_URL = '' } = its.client
    const none = await runCommand(['builds', '--url', KANIHOOK_URL])
    assert.equal(none.code, 69)
    assert.match(none.err, /wants a token: set KANIHOOK_TOKEN/)
    const wrong = await runCommand(['builds'], { KANIHOOK_URL, KANIHOOK_TOKEN: 'canary-wrong' })
    assert.match(wrong.err, /refuses the token/)
    assert.ok(!wrong.err.includes('canary'))
  })

  it('an address where nobody answers is named, with what to do', async () => {
    const nowhere = `http://127.0.0.1:${await freePort()}`
    const ran = await runCommand(['builds', '--url', nowhere])
    assert.equal(ran.code, 69)
    assert.match(ran.err, /cannot be reached \(ECONNREFUSED\): .*port-forward/)
  })

  it('the token goes to the address that was named, and to no other', async () => {
    const seen: (string | undefined)[] = []
    const other = createServer((req, res) => {
      seen.push(req.headers.authorization)
      res.end('{}')
    }).listen(0, '127.0.0.1')
    const redirecting = createServer((_, res) => {
      const { port } = other.address() as AddressInfo
      res.writeHead(307, { location: `http://127.0.0.1:${port}/api/builds` }).end()
    }).listen(0, '127.0.0.1')
    try {
      await eventually(() => other.listening && redirecting.listening)
      const url = `http://127.0.0.1:${(redirecting.address() as AddressInfo).port}`
      const ran = await runCommand(['builds', '--url', url], { KANIHOOK_TOKEN: adminToken })
      assert.equal(ran.code, 69)
      assert.match(ran.err, /a redirect, which is not followed/)
      assert.deepEqual(seen, [])
    } finally {
      other.close()
      redirecting.close()
    }
  })

  it('what is not kanihook is told so, and its words with the token are not repeated', async () => {
    const echo = createServer((req, res) => {
      res.writeHead(409, { 'content-type': 'application/json' })
      res.end(JSON.stringify({ error: `\u001b[2J${req.headers.authorization}` }))
    }).listen(0, '127.0.0.1')
    try {
      await eventually(() => echo.listening)
      const url = `http://127.0.0.1:${(echo.address() as AddressInfo).port}`
      const ran = await runCommand(['builds', '--url', url], { KANIHOOK_TOKEN: adminToken })
      assert.equal(ran.err, 'kanihook: [2JBearer ***')
    } finally {
      echo.close()
    }
  })
})
