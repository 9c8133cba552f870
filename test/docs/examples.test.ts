import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { parseConfig } from '../../src/settings/config-file.ts'
import { configWarnings } from '../../src/settings/config-warnings.ts'
import { readRepositoryFile } from '../../src/settings/repository-file.ts'
import { run } from '../cluster/support/command.ts'
import { render, type Rendered } from '../chart/render.ts'
import { completed } from './completed-values.ts'
import { blocksOf, read, userPages, type Block } from './markdown.ts'

const blocks = userPages().flatMap(blocksOf)
const marked = (mark: string): Block[] => blocks.filter((block) => block.mark === mark)

/** What a reader of start.md fills in; some secrets are as awkward as secrets can be. */
const filledIn = {
  OWNER: 'acme',
  PUBLIC_URL: 'https://kanihook.example.com',
  REGISTRY: 'ghcr.io',
  REGISTRY_USER: 'somebody',
  REGISTRY_PASSWORD: 'a,b={c}: #"d"\\e',
  GITHUB_TOKEN: '0123456789',
  WEBHOOK_SECRET: 'an-example-of-a-secret',
}

describe('every example of kanihook.yaml passes `kanihook check`', () => {
  const files = marked('kanihook.yaml')
  it('of which there are some', () => assert.ok(files.length > 5))
  for (const { place, text } of files) {
    it(place, () => {
      const warnings = configWarnings(parseConfig(text, place))
      const overwritten = warnings.filter((each) => each.includes('would all push to'))
      assert.deepEqual(overwritten, [])
    })
  }

  for (const { place, text } of blocks) {
    const heredoc = /kanihook\.yaml <<YAML\n([^]*?)\nYAML\n/.exec(text)?.[1]
    if (heredoc === undefined) continue
    it(`${place}, as the shell writes it`, () => void parseConfig(withVariables(heredoc), place))
  }
})

describe("every example of a repository's own file passes `kanihook check`", () => {
  const files = marked('.kanihook.yaml')
  it('of which there are some', () => assert.ok(files.length > 1))
  for (const { place, text } of files) it(place, () => void readRepositoryFile(text, place))
})

describe('every example of values and each command of Helm renders the chart', () => {
  const values = marked('values')
  it('of which there are some', () => assert.ok(values.length > 5))
  for (const { place, text } of values) {
    it(place, async () => check(await render(completed(parse(text) as object)), place))
  }

  it('which makes the objects that the pages speak to', async () => {
    const rendered = [await render(completed({})), await render(completed({ mode: 'single' }))]
    const objects = rendered.flatMap((each) => each.objects)
    const made = new Set(objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`))
    for (const page of userPages()) {
      for (const [, kind = '', name = ''] of read(page).matchAll(objectForm)) {
        assert.ok(made.has(`${kinds[kind]}/${name}`), `${page}: ${kind}/${name}`)
      }
    }
  })

  it('which take secrets as they were typed', async () => {
    const [command, ...others] = blocks
      .flatMap(({ text }) => helmCommands(text))
      .filter((each) => each.includes('REGISTRY_PASSWORD'))
    assert.deepEqual(others, [])
    const { values } = await readCommand(command ?? '')
    const { REGISTRY_PASSWORD: password, GITHUB_TOKEN: token } = filledIn
    assert.partialDeepStrictEqual(values, {
      registryCredentials: { password },
      forges: { github: { token: { value: token } } },
    })
  })

  for (const { place, text } of blocks.filter(({ language }) => language === 'sh')) {
    for (const command of helmCommands(text)) {
      it(`${place}: ${command.split('\n')[0]}`, async () => {
        const { options, values } = await readCommand(command)
        const base = values ?? baseOf(place, options)
        check(await render(base, { args: forTemplate(options) }), place)
      })
    }
  }
})

/** Objects of the release that commands speak to, as `deploy/kanihook-worker`. */
const objectForm = /\b(deploy|service|svc)\/(kanihook[a-z-]*)/g
const kinds: Readonly<Record<string, string>> = {
  deploy: 'Deployment',
  service: 'Service',
  svc: 'Service',
}

/** The file that was rendered is one that kanihook starts with. */
function check(rendered: Rendered, place: string): void {
  const files = rendered.all('ConfigMap').flatMap(({ data }) => data?.['kanihook.yaml'] ?? [])
  assert.equal(files.length, 1, `${place}: ${files.length} ConfigMaps hold kanihook.yaml`)
  parseConfig(files[0]!, place)
}

function helmCommands(text: string): string[] {
  return text.match(/^helm (?:install|upgrade) (?:.*\\\n)*(?:.*<<YAML\n[^]*?\nYAML|.*)$/gm) ?? []
}

/** A command's options as the shell makes them, and the values that it hands over in a here-document. */
async function readCommand(command: string): Promise<{ options: string[]; values?: object }> {
  const hasValues = command.includes('<<YAML')
  const script = `helm() { printf '%s\\n' "$@"; ${hasValues ? "printf '\\000'; cat; " : ''}}\n${command}\n`
  const said = await run('sh', ['-euc', script], { env: { ...process.env, ...filledIn } })
  const [words = '', values] = said.split('\0')
  const options = words.split('\n').filter((word) => !['', '…', '--install'].includes(word))
  // Without the command, the release and the chart.
  return {
    options: options.slice(3),
    ...(values !== undefined && { values: parse(values) as object }),
  }
}

/** What a command builds on: the page's own file, else what there is. */
function baseOf(place: string, options: readonly string[]): object {
  const page = place.split(':')[0]!
  const file = marked('values.yaml').find((block) => block.place.startsWith(`${page}:`))
  if (file !== undefined && options.includes('--values')) return parse(file.text) as object
  return completed({})
}

/** Without what only an installation knows. */
function forTemplate(options: readonly string[]): string[] {
  const alone = new Set(['--create-namespace', '--wait', '--reuse-values'])
  const withValue = new Set(['--namespace', '--version', '--values'])
  return options.filter(
    (option, i) =>
      !alone.has(option) && !withValue.has(option) && !withValue.has(options[i - 1] ?? ''),
  )
}

function withVariables(text: string): string {
  return text.replaceAll(
    /\$([A-Z_]+)/g,
    (all, name: keyof typeof filledIn) => filledIn[name] ?? all,
  )
}
