import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApiClient, NoAnswer, type ApiClient, type UploadWish } from '../api/client.ts'
import { apiHelp, apiOptions } from '../api/options.ts'
import type { ApiBuild } from '../api/answers.ts'
import { readApiSettings } from '../api/settings.ts'
import { readArguments } from '../arguments.ts'
import { CommandFailed, UsageError, type Command, type Terminal } from '../command.ts'
import { followBuild } from '../follow.ts'
import { about, oneLine } from '../words.ts'
import { hearInterrupts } from './interrupts.ts'
import { packFolder } from './pack.ts'
import { createProgress } from './progress.ts'
import { spool } from './standard-input.ts'

const options = {
  ...apiOptions,
  context: { type: 'string', short: 'c' },
  image: { type: 'string', short: 'i' },
  dockerfile: { type: 'string', short: 'f' },
  target: { type: 'string' },
  'build-arg': { type: 'string', multiple: true, default: [] as string[] },
} as const

const folderHint = (extra: string): string => ` (the folder is --context ${oneLine(extra)})`

export const build: Command = {
  help: `kanihook build --context FOLDER --image NAME: build a folder that is not pushed

  --context, -c FOLDER
              what is built, without what its .dockerignore leaves out; - reads a tar or tar.gz from
              standard input
  --image, -i NAME
              an image under uploads of kanihook.yaml, which says where it is pushed
  --dockerfile, -f FILE
              relative to FOLDER; default: what kanihook.yaml says, else Dockerfile
  --target STAGE
              stage of the Dockerfile
  --build-arg NAME=VALUE
              value of an ARG; may be given several times
${apiHelp}

Follows the log, and ends with a line on standard output for each image that was pushed, by its digest.
Exits with 0 where the build succeeded, else 1. Ctrl-C breaks the upload off, or cancels the build; a
second one leaves without waiting for its end.`,

  async run(args, terminal) {
    const { values } = readArguments(args, options, [], folderHint)
    const { context, image, dockerfile, target } = values
    if (context === undefined) throw new UsageError('--context is missing')
    if (image === undefined) throw new UsageError('--image is missing')
    const odd = values['build-arg'].find((each) => !/^[^=]+=/.test(each))
    if (odd !== undefined) throw new UsageError(`--build-arg ${oneLine(odd)} must be NAME=value`)
    const api = createApiClient(readApiSettings(terminal.env, values.url))
    const wish = { image, dockerfile, target, buildArg: values['build-arg'] }
    const interrupts = hearInterrupts()
    const { signal } = interrupts
    /** Whether kanihook may have all of it. */
    let isSent = false
    const whenSent = (): void => void (isSent = true)
    let made: ApiBuild | undefined
    try {
      made = await upload(context, wish, { api, terminal, signal, whenSent })
      const { id } = made
      const onAbort = (): void => void cancel(api, id, terminal)
      signal.addEventListener('abort', onAbort)
      if (signal.aborted) onAbort()
      const code = await followBuild(id, { api, terminal, timestamps: false })
      if (code === 0) {
        const { pushed } = await api.build(id)
        for (const { destination, digest } of pushed) {
          terminal.print(oneLine(`${destination}@${digest}`))
        }
      }
      return signal.aborted && code !== 0 ? interrupts.exitCode() : code
    } catch (error) {
      if (!signal.aborted) throw error
      if (made) terminal.tell((error as Error).message)
      else terminal.tell(isSent ? brokenOffLate : 'Broken off: nothing of the upload is kept')
      return interrupts.exitCode()
    } finally {
      interrupts.close()
    }
  },
}

/** kanihook cancels a build that it could tell nobody of; but it may have told, and not be heard any more. */
const brokenOffLate =
  'Broken off when everything was sent: it may have been taken. kanihook builds shows its build, and ' +
  'kanihook cancel BUILD ends it'

/** Packs and sends. What is packed is a file meanwhile, so that its size is known, and is removed. */
async function upload(
  context: string,
  wish: UploadWish,
  options: {
    readonly api: ApiClient
    readonly terminal: Terminal
    readonly signal: AbortSignal
    readonly whenSent: () => void
  },
): Promise<ApiBuild> {
  const { api, terminal, signal, whenSent } = options
  const { maxBytes, images } = await api.uploads()
  const rule = images.find(({ name }) => name === wish.image)
  if (rule === undefined) {
    const names = images.map(({ name }) => name).join(', ')
    throw new CommandFailed(
      `kanihook.yaml has no image ${JSON.stringify(wish.image)} under uploads${names && ` (there are: ${names})`}`,
    )
  }
  const folder = await mkdtemp(join(tmpdir(), 'kanihook-build-'))
  try {
    const file = join(folder, 'context.tar.gz')
    if (context === '-') {
      const input = terminal.input?.()
      if (!input) throw new UsageError('there is no standard input: pipe a tar or tar.gz into it')
      await spool({ input, file, maxBytes, signal })
    } else {
      const files = await packFolder({
        folder: context,
        dockerfile: wish.dockerfile ?? rule.dockerfile,
        file,
        maxBytes,
        signal,
        skipped: (name) =>
          terminal.tell(`${oneLine(name)} is neither file, folder nor link: left out`),
      })
      terminal.tell(`Packed ${files} ${files === 1 ? 'file' : 'files'} of ${context}`)
    }
    const { size } = await stat(file)
    const progress = createProgress(terminal, size)
    const sent = (bytes: number): void => {
      if (bytes >= size) whenSent()
      progress.sent(bytes)
    }
    const made = await api.upload(wish, { file, bytes: size, signal, sent })
    progress.end()
    terminal.tell(`${about(made)} is built: build ${made.id}`)
    return made
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function cancel(api: ApiClient, id: string, { tell }: Terminal): Promise<void> {
  tell(`Cancelling build ${id}; interrupt again to leave without waiting for its end`)
  await api.cancel(id).catch((error: Error) => {
    tell(error.message)
    if (error instanceof NoAnswer) tell(`Build ${id} may go on: kanihook cancel ${id} ends it`)
  })
}
