import type { V1Container } from '@kubernetes/client-node'
import type { ImagePlan } from '../builds/build.ts'
import { cloneRequests } from '../builds/refusals.ts'
import type { ScanSettings } from '../builds/scan.ts'
import type { RegistrySettings } from '../settings/settings.ts'
import { literal } from './literal.ts'
import { contextFolder, imageFolder, inContext, scanFolder } from './paths.ts'
import { leastRights } from './publish-container.ts'
import { databaseLogin } from './registry-login.ts'
import { scanScript } from './scan-script.ts'

/** Looks for vulnerabilities in what Kaniko left in the image's folder. */
export function scanContainer(
  plan: ImagePlan,
  scan: ScanSettings,
  image: string,
  registries: readonly RegistrySettings[],
): V1Container {
  const { ignoreFile, onFindings } = scan
  const login = databaseLogin(plan)
  const ignored = ignoreFile === undefined ? '' : inContext(ignoreFile)
  const flags = scanFlags(plan, scan, registries)
  return {
    name: 'scan',
    image,
    imagePullPolicy: 'IfNotPresent',
    command: ['sh', '-c', literal(scanScript), 'scan'],
    args: [imageFolder, scanFolder, ignored, onFindings, ...flags].map(literal),
    ...(login.env.length > 0 ? { env: login.env } : {}),
    volumeMounts: [
      { name: 'image', mountPath: imageFolder, readOnly: true },
      ...(ignoreFile === undefined
        ? []
        : [{ name: 'context', mountPath: contextFolder, readOnly: true }]),
      { name: 'scan', mountPath: scanFolder },
      ...login.volumeMounts,
    ],
    resources: { requests: { ...cloneRequests } },
    terminationMessagePath: '/dev/termination-log',
    securityContext: leastRights,
  }
}

/** The build has a deadline of its own, and it is the only one. */
function scanFlags(
  { timeoutMs }: ImagePlan,
  { severities, ignoreUnfixed, database: { repository, javaRepository } = {} }: ScanSettings,
  registries: readonly RegistrySettings[],
): string[] {
  const hosts = [repository, javaRepository].map((place) => place?.split('/')[0])
  const isLax = registries.some(
    ({ host, insecure, skipTlsVerify }) => hosts.includes(host) && (insecure || skipTlsVerify),
  )
  return [
    `--severity=${severities.join(',')}`,
    `--timeout=${Math.ceil(timeoutMs / 1000)}s`,
    ...(ignoreUnfixed ? ['--ignore-unfixed'] : []),
    ...(repository === undefined ? [] : [`--db-repository=${repository}`]),
    ...(javaRepository === undefined ? [] : [`--java-db-repository=${javaRepository}`]),
    ...(isLax ? ['--insecure'] : []),
  ]
}
