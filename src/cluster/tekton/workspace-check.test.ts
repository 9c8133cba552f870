import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { workspaceCheck } from './workspace-check.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kanihook-workspace-'))
})
after(async () => rm(folder, { recursive: true, force: true }))

const check = async (dockerfile: string): Promise<number | null> => {
  const file = join(folder, 'Dockerfile')
  await writeFile(file, dockerfile)
  const env = { PATH: process.env['PATH'], KANIHOOK_DOCKERFILE: file }
  return spawnSync('sh', ['-euc', workspaceCheck], { env }).status
}

for (const line of [
  'WORKDIR /workspace',
  'COPY . /workspace/app',
  'COPY --from=build "/workspace" /app',
  'RUN mkdir -p a && cd /workspace',
  'ENV HOME=/workspace',
  'COPY ["a", "/workspace"]',
]) {
  it(`a Dockerfile that uses Tekton's folder is refused: ${line}`, async () => {
    assert.equal(await check(`FROM alpine\n${line}\n`), 1)
  })
}

for (const line of [
  'WORKDIR /workspaces',
  'COPY ./workspace /app',
  'WORKDIR /go/src/workspace',
  'WORKDIR /go/workspace/src',
  '# WORKDIR /workspace is what we had',
  'RUN test -d /workspace-cache || true',
]) {
  it(`one that does not is built: ${line}`, async () => {
    assert.equal(await check(`FROM alpine\n${line}\n`), 0)
  })
}

it('a Dockerfile that is missing is left to Kaniko, which says so', () => {
  const env = { PATH: process.env['PATH'], KANIHOOK_DOCKERFILE: join(folder, 'missing') }
  assert.equal(spawnSync('sh', ['-euc', workspaceCheck], { env }).status, 0)
})
