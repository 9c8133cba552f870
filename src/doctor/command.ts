import type { KubeConfig } from '@kubernetes/client-node'
import { ConfigError } from '../errors.ts'
import type { ForgeDriver } from '../forges/forge.ts'
import { failure } from '../remark.ts'
import { readEnvironment } from '../settings/environment.ts'
import type { Settings } from '../settings/settings.ts'
import { examine } from './doctor.ts'
import { about } from './finding.ts'
import { reportLines, type ExitCode, type Report } from './report.ts'

export interface DoctorCommand {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly drivers: readonly ForgeDriver[]
  readonly kubeConfig: () => KubeConfig
  /** Print the report as JSON. */
  readonly json: boolean
  readonly colour: boolean
  readonly print: (text: string) => void
}

/** `kanihook doctor [--json]`. Settings that cannot be read throw ConfigError, or with `json` are the report. */
export async function runDoctor(command: DoctorCommand): Promise<ExitCode> {
  const { env, drivers, kubeConfig, json, colour, print } = command
  let settings: Settings
  try {
    settings = readEnvironment(env, { forges: drivers })
  } catch (error) {
    if (!json || !(error instanceof ConfigError)) throw error
    const findings = about('settings', 'environment')(...error.faults.map((text) => failure(text)))
    const report: Report = { findings, exitCode: 78 }
    print(JSON.stringify(report))
    return report.exitCode
  }
  const report = await examine({ settings, drivers, kubeConfig })
  print(json ? JSON.stringify(report) : reportLines(report, { colour }).join('\n'))
  return report.exitCode
}
