#!/usr/bin/env node
import { listenForStop } from './stop-signals.ts'

const args = process.argv.slice(2)
// What a command needs is loaded when it runs: signals are heard before, and --help is quick.
const signals = args[0] === 'serve' ? listenForStop() : undefined
const { processTerminal } = await import('./cli/terminal.ts')
const { runCommand } = await import('./cli/run.ts')
process.exitCode = await runCommand(args, processTerminal(signals))
