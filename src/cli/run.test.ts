import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, it } from 'node:test'
import { commands } from './commands.ts'
import { runCommand } from './run.ts'

describe('the command line', () => {
  let out: string[]
  let err: string[]
  beforeEach(() => {
    out = []
    err = []
  })
  const run = (...args: string[]): Promise<number> =>
    runCommand(args, {
      env: {},
      print: (text) => void out.push(text),
      tell: (text) => void err.push(text),
      colour: false,
      width: undefined,
    })

  it('lists every command, and each explains itself', async () => {
    for (const args of [['--help'], ['-h'], ['help']]) {
      out = []
      assert.equal(await run(...args), 0)
      for (const name of Object.keys(commands))
        assert.match(out[0]!, new RegExp(`kanihook ${name}\\b`))
    }
    for (const name of Object.keys(commands)) {
      for (const args of [
        [name, '--help'],
        ['help', name],
        [name, 'something', '-h'],
      ]) {
        out = []
        assert.equal(await run(...args), 0)
        assert.match(out[0]!, new RegExp(`^kanihook ${name}\\b`))
      }
    }
    assert.deepEqual(err, [])
  })

  it('takes .kanihook.yaml for what a repository says, and any file that is said to be', async () => {
    for (const args of [['.kanihook.yaml'], ['--repository-file', 'own.yaml']]) {
      err = []
      const folder = await mkdtemp(join(tmpdir(), 'kanihook-check-'))
      const path = join(folder, args.at(-1)!)
      await writeFile(path, 'match: x')
      assert.equal(await run('check', ...args.slice(0, -1), path), 78)
      assert.match(err[0]!, /:1:1: match: only the kanihook\.yaml of the installation says this/)
      await rm(folder, { recursive: true })
    }
  })

  it('fits on a terminal of 120 columns', async () => {
    for (const name of [undefined, ...Object.keys(commands)]) {
      out = []
      await run('help', ...(name === undefined ? [] : [name]))
      for (const line of out.join('\n').split('\n')) assert.ok(line.length <= 120, line)
    }
  })

  for (const [args, sentence] of [
    [[], /^kanihook \d/],
    [['buidls'], /there is no command "buidls": did you mean builds\?/],
    [['toString'], /there is no command "toString" /],
    [['help', 'nothing'], /there is no command "nothing" /],
    [['serve', 'now'], /"now" is one argument too many/],
    [['doctor', '--jsn'], /Unknown option '--jsn': did you mean --json\? /],
    [['check', 'a', 'b'], /"b" is one argument too many/],
    [['logs'], /BUILD is missing \(kanihook logs --help/],
    [['logs', 'a', 'b'], /"b" is one argument too many/],
    [['logs', 'main'], /BUILD must be the id of a build/],
    [['cancel', 'a'.repeat(17)], /BUILD must be the id of a build/],
    [['builds', '--limit', '0'], /--limit must be a whole number/],
    [['builds', '--limit', '1e3'], /--limit must be a whole number/],
    [['builds', '--state', 'runing'], /--state must be one of .*: did you mean running\?/],
    [['builds', '--url', 'localhost:9090'], /--url must be a URL/],
    [['builds', '--url'], /'--url <value>' argument missing/],
    [['rebuild', 'a', '--verbosity', 'loud'], /--verbosity must be one of trace, /],
    [['build', 'app'], /"app" is one argument too many \(the folder is --context app\) /],
    [['build', '-c', '.', '-i', 'app', '--build-arg', 'FOO'], /--build-arg FOO must be NAME=value/],
    [['build', '-c', '.', '-i', 'app', '--build-arg', '=x'], /--build-arg =x must be NAME=value/],
    [['plan', 'github.com/acme/app'], /REF is missing/],
    [['plan', 'github.com/acme/app', 'main', '-o', 'yml'], /--output must be .*mean yaml\?/],
  ] as const) {
    it(`wrong use, "kanihook ${args.join(' ')}", is 64 and a sentence`, async () => {
      assert.equal(await run(...args), 64)
      assert.equal(err.length, 1)
      assert.match(err[0]!, sentence)
      assert.deepEqual(out, [])
    })
  }

  it('bad settings are 78, each told', async () => {
    assert.equal(await run('plan', 'github.com/acme/app', 'main'), 78)
    assert.match(err.join('\n'), /no forge is on/)
  })
})
