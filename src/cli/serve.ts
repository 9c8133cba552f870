import { serve } from '../serve.ts'
import { listenForStop } from '../stop-signals.ts'
import { readArguments } from './arguments.ts'
import type { Command } from './command.ts'

export const serveCommand: Command = {
  help: `kanihook serve: receive webhooks and run builds

  KANIHOOK_ROLES says what this process does: receiver, worker, or both (the default). All
  settings: see .env.example.

SIGTERM and SIGINT stop in good order, a second one at once. Running builds go on in the cluster,
and the next worker takes them over.`,

  async run(args, { signals = listenForStop() }) {
    readArguments(args, {})
    await serve(signals)
    // Connections that were given up are not waited for.
    process.exit(0)
  },
}
