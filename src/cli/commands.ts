import type { Command } from './command.ts'

interface Entry {
  /** How it is called, after `kanihook`. */
  readonly call: string
  readonly summary: string
  /** What it needs is loaded when it runs. */
  readonly load: () => Promise<Command>
}

/** Every command, by its name, in the order of the help. */
export const commands: Readonly<Record<string, Entry>> = {
  serve: {
    call: 'serve',
    summary: 'receive webhooks and run builds (KANIHOOK_ROLES=receiver,worker)',
    load: async () => (await import('./serve.ts')).serveCommand,
  },
  check: {
    call: 'check [FILE]',
    summary: 'validate kanihook.yaml without starting',
    load: async () => (await import('./check.ts')).check,
  },
  doctor: {
    call: 'doctor',
    summary: 'look at all that kanihook needs, and say what to do',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  plan: {
    call: 'plan REPOSITORY REF',
    summary: 'say what would be built and why; with -o yaml as objects',
    load: async () => (await import('./plan/command.ts')).plan,
  },
  builds: {
    call: 'builds',
    summary: 'list builds, newest first',
    load: async () => (await import('./builds.ts')).builds,
  },
  logs: {
    call: 'logs [-f] BUILD',
    summary: 'print the log of a build, or follow it to its end',
    load: async () => (await import('./logs.ts')).logs,
  },
  rebuild: {
    call: 'rebuild BUILD',
    summary: 'build the same commit again',
    load: async () => (await import('./rebuild.ts')).rebuild,
  },
  build: {
    call: 'build -c FOLDER -i NAME',
    summary: 'build a folder that is not pushed',
    load: async () => (await import('./build/command.ts')).build,
  },
  cancel: {
    call: 'cancel BUILD',
    summary: 'ask a build to end',
    load: async () => (await import('./cancel.ts')).cancel,
  },
  approve: {
    call: 'approve REPOSITORY NUMBER SHA',
    summary: "have one commit of a fork's pull request built",
    load: async () => (await import('./approve.ts')).approve,
  },
}

const width = Math.max(...Object.values(commands).map(({ call }) => call.length))

/** What `kanihook --help` says. */
export const usage = (version: string): string =>
  `kanihook ${version}: a git push becomes a container image and a commit status

${Object.values(commands)
  .map(({ call, summary }) => `  kanihook ${call.padEnd(width)}  ${summary}`)
  .join('\n')}

  kanihook COMMAND --help       the options of a command
  kanihook --version, -v       the version

Settings come from the environment: see .env.example. Repositories and images: see
kanihook.example.yaml. Exit codes: 0 well, 64 wrong use, 69 something did not answer or
refused, 78 bad settings; others are told by the help of their command.`
