import { parseArgs } from 'node:util'
import type { ClusterOptions } from '../test/cluster/options.ts'

export const help = `usage: ./dev demo [OPTION...]

One git push becomes an image in a registry and a status on the commit, on this machine and in this
terminal. Afterwards it waits for pushes of your own until Ctrl-C, and leaves nothing behind.

Where builds run, the first that there is:
  the cluster of KUBECONFIG, if HOST_ADDRESS says how its pods reach this machine (Linux)
  a cluster in Docker, by kind (Linux)
  a stand-in for Kubernetes whose pods are processes: git and Kaniko are real (Linux, root)
  a stand-in in which nothing is built, and which says so in every line

  --cluster     a real cluster with a real Gitea: of KUBECONFIG, by kind, or for root on Linux a
                node of plain processes on this machine (about 20 minutes the first time)
  --stand-in    the stand-in with real git and Kaniko, whatever else there is
  --simulated   the stand-in in which nothing is built
  --once        stop after the demo's own push
  --help        this text

  --state-dir DIR, --link NAME, --subnet CIDR, --port-base PORT: with --cluster, where several
  run on one machine; see node test/cluster/cli.ts --help

KANIKO_EXECUTOR names a Kaniko executor to use. Else one is taken from the image KANIKO_IMAGE
(ghcr.io/osscontainertools/kaniko unless said) or built from its Go module, and kept.

Exit code: 0 when the push became a verified image, 1 when not, 64 wrong use, 69 something is
missing on this machine.
`

/** What was asked for; `undefined`: whatever there is. */
export type Asked = 'cluster' | 'stand-in' | 'simulated' | undefined

export interface Options {
  readonly help: boolean
  readonly once: boolean
  readonly asked: Asked
  readonly cluster: ClusterOptions
}

/** Reads the command line. Throws TypeError with a sentence for its user. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      once: { type: 'boolean', default: false },
      cluster: { type: 'boolean', default: false },
      'stand-in': { type: 'boolean', default: false },
      simulated: { type: 'boolean', default: false },
      'state-dir': { type: 'string' },
      link: { type: 'string' },
      subnet: { type: 'string' },
      'port-base': { type: 'string' },
    },
  })
  const modes = (['cluster', 'stand-in', 'simulated'] as const).filter((mode) => values[mode])
  if (modes.length > 1) throw new TypeError(`either --${modes.join(' or --')}`)
  return {
    help: values.help,
    once: values.once,
    asked: modes[0],
    cluster: {
      ...(values['state-dir'] === undefined ? {} : { stateDir: values['state-dir'] }),
      ...(values.link === undefined ? {} : { link: values.link }),
      ...(values.subnet === undefined ? {} : { subnet: values.subnet }),
      ...(values['port-base'] === undefined ? {} : { portBase: Number(values['port-base']) }),
    },
  }
}
