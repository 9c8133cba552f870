import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'

export const help = `usage: npm run test:faults -- [option...]

Many builds under faults that a seed chooses: processes are killed and stopped, Redis and the forge go
away, deliveries come twice and out of order. What was seen from outside is then held against what
kanihook promises: every accepted push ends in one true status, and is built once.

Redis, git, kanihook and Kubernetes' control plane are real. Its nodes and pods are simulated by kwok: nothing
runs in them. The forge's API is a stand-in. toxiproxy makes connections slow, and cuts them. No root is needed.
All traffic stays on this machine, and everything started is ended.

  --seed N         choose the same pushes and faults again (chosen and printed unless given);
                   how they meet also depends on the machine
  --deliveries N   pushes, each with its webhook (150)
  --faults N       faults (30: each kind once)
  --seconds N      over which both are spread (40)
  --log FILE       write there what kanihook's processes print
  --long           2,100 pushes under 310 faults, over 11 minutes
  --help           this text

Exit code: 0 when every promise was kept, 1 when not, 64 wrong use.
`

export interface Options {
  readonly help: boolean
  readonly seed: number
  readonly deliveries: number
  readonly faults: number
  readonly seconds: number
  readonly log: string | undefined
}

const short = { deliveries: '150', faults: '30', seconds: '40' }
const long = { deliveries: '2100', faults: '310', seconds: '660' }

/** Reads the command line. Throws TypeError with a sentence for its user. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      seed: { type: 'string', default: `${randomInt(1, 1_000_000)}` },
      long: { type: 'boolean', default: false },
      deliveries: { type: 'string' },
      faults: { type: 'string' },
      seconds: { type: 'string' },
      log: { type: 'string' },
    },
  })
  const usual = values.long ? long : short
  return {
    help: values.help,
    seed: count('--seed', values.seed, 0, 2 ** 32 - 1),
    deliveries: count('--deliveries', values.deliveries ?? usual.deliveries, 1, 10_000),
    faults: count('--faults', values.faults ?? usual.faults, 0, 1_000),
    seconds: count('--seconds', values.seconds ?? usual.seconds, 1, 3_600),
    log: values.log,
  }
}

function count(option: string, text: string, least: number, most: number): number {
  if (!/^\d+$/.test(text) || Number(text) < least || Number(text) > most) {
    throw new TypeError(`${option} is a number from ${least} to ${most}, not ${text}`)
  }
  return Number(text)
}
