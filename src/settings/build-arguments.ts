/**
 * Names that would change how programs start rather than what is built: a build argument is an
 * environment variable of every RUN step, and of the shells and interpreters it starts.
 */
const exact: ReadonlySet<string> = new Set([
  'BASH_ENV',
  'BASHOPTS',
  'CDPATH',
  'GCONV_PATH',
  'GIT_ASKPASS',
  'GIT_EXEC_PATH',
  'GIT_EXTERNAL_DIFF',
  'GIT_PROXY_COMMAND',
  'GIT_SSH',
  'GIT_SSH_COMMAND',
  'GIT_TEMPLATE_DIR',
  'IFS',
  'JAVA_TOOL_OPTIONS',
  'JDK_JAVA_OPTIONS',
  '_JAVA_OPTIONS',
  'NODE_OPTIONS',
  'PATH',
  'PERL5LIB',
  'PERL5OPT',
  'PROMPT_COMMAND',
  'PS4',
  'PYTHONHOME',
  'PYTHONPATH',
  'PYTHONSTARTUP',
  'RUBYLIB',
  'RUBYOPT',
  'SHELLOPTS',
])
const prefixes = ['LD_', 'DYLD_', 'GIT_CONFIG'] as const

/** What is wrong with the name of a build argument, or undefined. */
export function buildArgumentFault(name: string): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    return `"${name}" cannot be a build argument (letters, digits and _, not starting with a digit)`
  }
  const upper = name.toUpperCase()
  if (exact.has(upper) || prefixes.some((prefix) => upper.startsWith(prefix))) {
    return `the build argument ${name} is refused: it changes how programs start (set it in the Dockerfile, or choose another name)`
  }
  return undefined
}

/**
 * Names that Kaniko, or a credential helper in it, takes from its own environment, where a build
 * argument from a Secret is: Kaniko's source and that of Go, of the clouds' clients, of OpenTelemetry.
 */
const ofKaniko: ReadonlySet<string> = new Set([
  'ALL_PROXY',
  'BENCHMARK_FILE',
  'BUILDER_OUTPUT',
  'CONTAINER',
  'FTP_PROXY',
  'HOME',
  'HOSTNAME',
  'HTTPS_PROXY',
  'HTTP_PROXY',
  'NO_PROXY',
  'REGISTRY_AUTH_FILE',
  'SNAPSHOT_TIMEOUT_DURATION',
  'SSL_CERT_DIR',
  'SSL_CERT_FILE',
  'TMPDIR',
  'UPSTREAM_CLIENT_TYPE',
  'USER',
  'XDG_CONFIG_HOME',
  'XDG_RUNTIME_DIR',
])
const prefixesOfKaniko = [
  'AWS_',
  'AZURE_',
  'CI_',
  'CLOUDSDK_',
  'DOCKER_',
  'ECS_',
  'FF_KANIKO_',
  'GCE_',
  'GCLOUD_',
  'GIT_',
  'GODEBUG',
  'GOGC',
  'GOMAXPROCS',
  'GOMEMLIMIT',
  'GOOGLE_',
  'GOTRACEBACK',
  'KANIKO_',
  'KUBERNETES_',
  'OTEL_',
  'S3_',
] as const

/** What is wrong with the name of a build argument whose value is in a Secret, or undefined. */
export function secretArgumentFault(name: string): string | undefined {
  const upper = name.toUpperCase()
  return ofKaniko.has(upper) || prefixesOfKaniko.some((prefix) => upper.startsWith(prefix))
    ? `${name} from a Secret is refused: it would be Kaniko's own setting (choose another name)`
    : undefined
}
