import type { Build, PartScan } from '../builds/build.ts'
import { countsText } from '../builds/scan.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'

/** Whether the findings that the page lists are why it failed. */
export const endedByFindings = ({ scans = [], steps }: Build): boolean =>
  steps.at(-1)?.name === 'scanning' && scans.some(({ findings }) => findings.length > 0)

/** What was found in the image, the worst first. */
export function scanView({ scans = [], plan }: Build): Html | undefined {
  if (!plan.scan || scans.length === 0) return undefined
  const looked = plan.scan.severities.join(', ').toLowerCase()
  return html`<section class="card scan">
    <h2>Vulnerabilities <span>${looked}${plan.scan.ignoreUnfixed && ', with a fix'}</span></h2>
    ${scans.map(scanOf)}
  </section>`
}

function scanOf(scan: PartScan): Html {
  const { part, findings } = scan
  const counts = countsText(scan) || 'none found'
  const name = part === undefined ? '' : `${part}: `
  if (findings.length === 0) return html`<p>${name}${counts}</p>`
  const told = Object.values(scan.counts).reduce((sum, count) => sum + count, 0)
  return html`<p>${name}${counts}</p>
    <div class="findings">
      <table>
        <thead>
          <tr>
            <th>Severity</th>
            <th>Id</th>
            <th>Package</th>
            <th>Installed</th>
            <th>Fixed in</th>
          </tr>
        </thead>
        <tbody>
          ${findings.map(
            (finding) =>
              html`<tr>
                <td>${finding.severity.toLowerCase()}</td>
                <td>${finding.id}</td>
                <td>${finding.package}</td>
                <td>${finding.installed}</td>
                <td>${finding.fixed ?? 'not yet'}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${told > findings.length && html`<p>The log of the scan has all ${told}, with their titles.</p>`}`
}
