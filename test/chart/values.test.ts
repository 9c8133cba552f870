import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import manifest from '../../package.json' with { type: 'json' }
import { forges } from '../../src/forges/index.ts'
import { readEnvironment } from '../../src/settings/environment.ts'
import { formatDuration } from '../../src/settings/duration.ts'
import { chartFolder, helm } from './render.ts'
import { valuesTable } from './values-table.ts'
import { valuesSchema } from './write-values-schema.ts'

const read = (file: string): string => readFileSync(join(chartFolder, file), 'utf8')
const values = parse(read('values.yaml')) as Record<string, unknown>

test('the chart and the image that it installs have the version of kanihook', () => {
  const { version, appVersion } = parse(read('Chart.yaml')) as Record<string, unknown>
  assert.deepEqual(
    { version, appVersion },
    { version: manifest.version, appVersion: manifest.version },
  )
})

test('each value has a comment', () => {
  const lines = read('values.yaml').split('\n')
  const bare = lines.filter(
    (line, at) => isValue(line) && !/^\s*#/.test(lines[at - 1] ?? '') && !isPassedOn(lines, at),
  )
  assert.deepEqual(bare, [])
})

const isValue = (line: string): boolean => /^ *[a-zA-Z]+:/.test(line)

/** Whether the line is a part of an object of Kubernetes, whose comment is above it. */
function isPassedOn(lines: readonly string[], at: number): boolean {
  const indent = (line: string): number => line.search(/\S/)
  const own = indent(lines[at] ?? '')
  const parent = lines.slice(0, at).findLast((line) => isValue(line) && indent(line) < own)
  return /^ *(resources|podSecurityContext|securityContext|topologySpreadConstraints):/.test(
    parent ?? '',
  )
}

test('what kanihook does unless told otherwise is what the chart says', () => {
  const settings = readEnvironment(
    {
      GITHUB_WEBHOOK_SECRETS: 'a-webhook-secret-for-tests',
      GITHUB_TOKEN: 'a-token',
      PUBLIC_URL: 'https://kanihook.acme.test',
    },
    { forges },
  )
  const { buildRetentionMs, logRetentionMs, shutdownTimeoutMs, sweepIntervalMs } = settings
  const { logLevel, logFormat, maxBuilds, maxBuildsPerRepository, pages } = settings
  const { kanikoImage, kanikoShell, cloneImage, scanImage, publishImage, buildNamespace } = settings
  const own = values['settings'] as Record<string, string>
  const hours = (text = ''): string => formatDuration(Number.parseInt(text) * 3_600_000)
  assert.deepEqual(
    {
      ...own,
      buildRetention: hours(own['buildRetention']),
      logRetention: hours(own['logRetention']),
    },
    {
      logLevel,
      logFormat,
      maxBuilds,
      maxBuildsPerRepository,
      pages,
      kanikoImage,
      kanikoShell,
      cloneImage,
      scanImage,
      publishImage,
      buildRetention: formatDuration(buildRetentionMs),
      logRetention: formatDuration(logRetentionMs),
      shutdownTimeout: formatDuration(shutdownTimeoutMs),
      sweepInterval: formatDuration(sweepIntervalMs),
    },
  )
  assert.equal((values['buildNamespace'] as { name: string }).name, buildNamespace)
})

test('the schema holds the rules of kanihook.yaml as they are (npm run schema writes it anew)', () => {
  const schema: unknown = JSON.parse(read('values.schema.json'))
  assert.deepEqual(schema, valuesSchema(schema as object))
})

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: boolean
  readonly required?: readonly string[]
}

test('the schema knows each value and no other', () => {
  const { global: _, ...properties } =
    (JSON.parse(read('values.schema.json')) as Schema).properties ?? {}
  assert.deepEqual(differences({ additionalProperties: false, properties }, values), [])
})

/** Paths at which the schema and the values differ in what there is. */
function differences(schema: Schema, of: Record<string, unknown>, path = ''): string[] {
  const { properties } = schema
  if (!properties) return []
  const names = new Set([...Object.keys(properties), ...Object.keys(of)])
  const closed = schema.additionalProperties === false ? [] : [`${path} takes any key`]
  return [
    ...closed,
    ...[...names].flatMap((name) => {
      const below = properties[name]
      if (!below || !(name in of)) return [`${path}.${name}`]
      return differences(below, of[name] as Record<string, unknown>, `${path}.${name}`)
    }),
  ]
}

for (const row of valuesTable) {
  test(`helm lint finds nothing: ${row.name}`, async () => {
    assert.match(await helm(['lint', '--strict'], row.values), / 0 chart\(s\) failed/)
  })
}
