import type { Kanihook } from './kanihook.ts'
import { simulatedBanner, type Printer } from './printer.ts'
import type { Finding } from './proof.ts'
import { copiedFile } from './sample.ts'
import type { Surroundings } from './surroundings/surroundings.ts'

/** What runs, and what of it is not the real thing. */
export function tellParts(printer: Printer, around: Surroundings, kanihook: Kanihook): void {
  printer.heading('What runs')
  printer.fact(
    'kanihook',
    `the real process: webhooks on ${kanihook.webhookUrl},`,
    `admin on ${kanihook.adminUrl}`,
  )
  printer.fact('Redis', 'a redis-server of its own')
  printer.fact('forge', ...around.forge.facts)
  printer.fact('registry', ...around.registryFacts)
  printer.fact('cluster', ...around.clusterFacts)
  printer.heading('All that kanihook is told to build: kanihook.yaml')
  for (const line of kanihook.yaml.trim().split('\n')) printer.text(`  ${line}`, 'dim')
  if (!around.registry) printer.text(`\n  ${simulatedBanner}`, ['yellow', 'bold'])
}

export function tellFindings(printer: Printer, findings: readonly Finding[]): void {
  printer.heading('The proof: the image, pulled back by skopeo')
  for (const { holds, text } of findings) {
    printer.text(`  ${holds ? '✓' : '✗'} ${text}`, holds ? 'green' : 'red')
  }
}

/** How to push by hand: three lines to type. */
export function tellOwnPush(printer: Printer, { forge, registry }: Surroundings): void {
  printer.heading('Your turn: in another terminal')
  const identity = '-c user.name=you -c user.email=you@example.com'
  printer.text(`  git clone ${identity} ${forge.loginUrl} kanihook-hello && cd kanihook-hello`)
  printer.text(
    `  echo 'Hello from me!' >${copiedFile} && git commit --all --message 'Say hello myself'`,
  )
  printer.text('  git push')
  printer.text()
  if (!registry) tellSimulated(printer)
  printer.text('What comes of it is shown here. Ctrl-C stops everything and removes it.')
}

export function tellNextPush(printer: Printer, at: number): void {
  printer.heading('Another push')
  printer.startClock(at)
}

export function tellSimulated(printer: Printer): void {
  printer.text(
    `${simulatedBanner}. kanihook did its part for real; the pod, its log and the digest are made up.`,
    'yellow',
  )
  printer.text('A real build: as root on Linux, or with Docker and kind. See --help.', 'yellow')
}
