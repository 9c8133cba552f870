import type { ForgeDriver } from '../forges/forge.ts'
import type { Settings } from '../settings/settings.ts'
import type { Check } from './checks.ts'
import { about } from './finding.ts'

/** One check for each forge that is on: what its API says of the login. */
export const forgeChecks = (drivers: readonly ForgeDriver[], { forges }: Settings): Check[] =>
  drivers.flatMap((driver): Check[] => {
    const settings = forges.get(driver.name)
    if (!settings) return []
    const subject = new URL(settings.url).host
    return [
      {
        area: 'forge',
        subject,
        async run() {
          const { remarks, clockOffsetMs } = await driver.examine(settings)
          return {
            findings: about('forge', subject)(...remarks),
            clocks: clockOffsetMs === undefined ? [] : [{ of: subject, offsetMs: clockOffsetMs }],
          }
        },
      },
    ]
  })
