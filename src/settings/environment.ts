import { readFileSync } from 'node:fs'
import { ConfigError } from '../errors.ts'
import { readForges, secretsDir } from './forge-settings.ts'
import type { ForgeFacts } from './forge-settings.ts'
import { isPinned } from './image-reference.ts'
import {
  dnsLabel,
  duration,
  durationOrOff,
  image,
  integer,
  oneOf,
  path,
  port,
  redisUrl,
  shellPath,
  size,
  someOf,
  webUrl,
  word,
} from './parsers.ts'
import type { Role, Settings, UploadSettings } from './settings.ts'
import { createVariables } from './variables.ts'
import type { ReadFile, Variables } from './variables.ts'

export interface EnvironmentOptions {
  /** Every forge that there is; those with secrets in the environment are on. */
  readonly forges: readonly ForgeFacts[]
  /** Reads the file that `X_FILE` names. */
  readonly readFile?: ReadFile
}

const roles = ['receiver', 'worker'] as const satisfies readonly Role[]
const hour = 3_600_000
const mebibyte = 2 ** 20
const many = 1_000_000

/** Trivy with a shell. */
const defaultScanImage = 'ghcr.io/aquasecurity/trivy:0.74.0'

/** crane with a shell. */
const defaultPublishImage = 'gcr.io/go-containerregistry/crane/debug:v0.22.1'

/**
 * The settings that the environment says. Throws ConfigError with every fault at once; each names
 * its variable and says what to do, and none holds a value.
 */
export function readEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  { forges, readFile = (file) => readFileSync(file, 'utf8') }: EnvironmentOptions,
): Settings {
  const variables = createVariables(env, readFile)
  const { read } = variables
  const roleList = read('KANIHOOK_ROLES', someOf(roles), roles)
  const isWorker = roleList.includes('worker')
  const webhookPort = read('PORT', port, 8080)
  const settings: Settings = {
    roles: roleList,
    host: read('HOST', word, '0.0.0.0'),
    port: webhookPort,
    adminHost: read('ADMIN_HOST', word, '0.0.0.0'),
    adminPort: read('ADMIN_PORT', port, 9090),
    redisUrl: read('REDIS_URL', redisUrl, 'redis://127.0.0.1:6379'),
    configFile: read('KANIHOOK_CONFIG', path, 'kanihook.yaml'),
    publicUrl: read('PUBLIC_URL', webUrl, `http://localhost:${webhookPort}`),
    logLevel: read(
      'LOG_LEVEL',
      oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
      'info',
    ),
    logFormat: read('LOG_FORMAT', oneOf(['json', 'pretty']), 'json'),
    forges: readForges(variables, forges, { needsLogin: isWorker }),
    webhookSecretsDir: variables.optional(secretsDir, path),
    buildNamespace: read('BUILD_NAMESPACE', dnsLabel, 'kanihook-builds'),
    kanikoImage: read('KANIKO_IMAGE', image, 'ghcr.io/osscontainertools/kaniko:v1.28.3'),
    kanikoShell: read('KANIKO_SHELL', shellPath, ''),
    cloneImage: read('CLONE_IMAGE', image, 'docker.io/alpine/git:v2.54.0'),
    scanImage: read('SCAN_IMAGE', image, defaultScanImage),
    publishImage: read('PUBLISH_IMAGE', image, defaultPublishImage),
    maxBuilds: read('MAX_BUILDS', integer(0, many), 20),
    maxBuildsPerRepository: read('MAX_BUILDS_PER_REPOSITORY', integer(0, many), 0),
    adminTokens: variables.secrets('ADMIN_TOKENS'),
    linkSecrets: variables.secrets('LINK_SECRETS'),
    pages: read('PAGES', oneOf(['link', 'off']), 'link'),
    buildRetentionMs: read('BUILD_RETENTION', duration(), 720 * hour),
    logRetentionMs: read('LOG_RETENTION', duration(), 168 * hour),
    sweepIntervalMs: read('SWEEP_INTERVAL', durationOrOff, 600_000),
    shutdownTimeoutMs: read('SHUTDOWN_TIMEOUT', duration(hour), 25_000),
    uploads: readUploads(variables),
    warnings: variables.warnings,
  }
  compare(settings, variables)
  if (isWorker) warnOfDefaults(settings, variables)
  if (variables.faults.length > 0) throw new ConfigError(variables.faults)
  return settings
}

function readUploads({ read, optional }: Variables): UploadSettings | undefined {
  const dir = optional('UPLOADS_DIR', path)
  const rest = {
    port: read('UPLOADS_PORT', port, 9091),
    url: optional('UPLOADS_URL', webUrl),
    maxBytes: read('MAX_UPLOAD', size, 512 * mebibyte),
    diskBytes: read('UPLOADS_DISK', size, 2048 * mebibyte),
  }
  return dir === undefined ? undefined : { dir, ...rest }
}

function compare({ port: webhooks, adminPort, uploads }: Settings, { faults }: Variables): void {
  if (uploads && uploads.port !== 0 && [webhooks, adminPort].includes(uploads.port)) {
    faults.push('UPLOADS_PORT is that of PORT or ADMIN_PORT (choose another one: builds reach it)')
  }
  if (uploads && uploads.maxBytes > uploads.diskBytes) {
    faults.push('MAX_UPLOAD is more than UPLOADS_DISK (raise UPLOADS_DISK, or lower MAX_UPLOAD)')
  }
  if (webhooks === adminPort && webhooks !== 0) {
    faults.push(
      'PORT and ADMIN_PORT are the same (choose another one for ADMIN_PORT, which is never routed to the internet)',
    )
  }
}

function warnOfDefaults(settings: Settings, { warnings, isSet }: Variables): void {
  if (!isSet('PUBLIC_URL') && settings.pages === 'link') {
    warnings.push({
      variable: 'PUBLIC_URL',
      message:
        'PUBLIC_URL is not set: the links in statuses lead to localhost (set it to where PORT is reached from outside)',
    })
  }
  for (const [variable, reference] of [
    ['KANIKO_IMAGE', settings.kanikoImage],
    ['CLONE_IMAGE', settings.cloneImage],
    ['SCAN_IMAGE', settings.scanImage],
    ['PUBLISH_IMAGE', settings.publishImage],
  ] as const) {
    if (!isPinned(reference)) {
      const message = `${variable} is not pinned: builds change when it does (name a version or a digest)`
      warnings.push({ variable, message })
    }
  }
}
