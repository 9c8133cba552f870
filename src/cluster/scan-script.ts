import { findingsExitCode, severities } from '../builds/scan.ts'
import { checkLayout } from './layout-script.ts'

/** A finding in a line, its words parted by tabs, as src/builds/scan.ts reads it. Names come from the image. */
const finding = ['.Severity', '.VulnerabilityID', '.PkgName', '.InstalledVersion', '.FixedVersion']
  .map((field) => `{{ ${field} | replace "\\n" " " | replace "\\t" " " }}`)
  .join('{{ "\\t" }}')
const findings = `{{ range . }}{{ range .Vulnerabilities }}${finding}{{ "\\n" }}{{ end }}{{ end }}`

/** Of 4096 bytes that Kubernetes keeps. */
const messageBytes = 4000

/**
 * What the scan container runs (POSIX sh with trivy; busybox will do):
 *
 *     sh -c scanScript scan <layout> <folder> <ignore file or nothing> <fail or warn> <flag of trivy>…
 *
 * It looks for vulnerabilities in the image of the OCI layout, prints them as a table, and writes their
 * numbers and the worst of them as the termination message. Where there are any it ends with 10, unless
 * they are to be told alone. The folder is its own, for the database and what else trivy writes.
 *
 * trivy reads the report anew for each format, so that it scans once.
 */
export const scanScript = `set -eu
# One stream: the order of two is not kept.
exec 2>&1
layout=$1
folder=$2
ignore=$3
onFindings=$4
shift 4
${checkLayout}
export TMPDIR="$folder" TRIVY_CACHE_DIR="$folder/cache"
report=$folder/report.json
if [ -n "$ignore" ] && [ -L "$ignore" ]; then
  echo "The ignore file is a link, and is not read"
elif [ -n "$ignore" ] && [ -f "$ignore" ]; then
  set -- "$@" --ignorefile "$ignore"
fi
trivy image --input "$layout" --scanners vuln --offline-scan --no-progress --skip-version-check \\
  --format json --output "$report" "$@"
trivy convert --quiet --format template --output "$folder/findings" --template '${findings}' "$report"
{
  printf scan
  for severity in ${severities.join(' ')}; do
    printf ' %s=%s' "$severity" "$(grep -c "^$severity	" "$folder/findings" || true)"
  done
  echo
  for severity in ${severities.join(' ')}; do
    grep "^$severity	" "$folder/findings" | sort -u || true
  done
} >"$folder/message"
head -c ${messageBytes} "$folder/message" >/dev/termination-log
if [ ! -s "$folder/findings" ]; then
  echo 'Nothing found'
  exit 0
fi
trivy convert --quiet --format table "$report"
[ "$onFindings" = warn ] || exit ${findingsExitCode}
`
