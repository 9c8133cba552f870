import { KubeConfig } from '@kubernetes/client-node'
import { ConfigError } from '../errors.ts'

/**
 * The usual client rules: $KUBECONFIG, ~/.kube/config, else the pod's service account. Throws
 * ConfigError where there is none that can be used; nothing of the file's content is in its message.
 */
export function loadKubeConfig(): KubeConfig {
  const config = new KubeConfig()
  let server: string | undefined
  try {
    config.loadFromDefault()
    server = config.getCurrentCluster()?.server
  } catch (error) {
    throw unusable(faultOf(error))
  }
  // What the client falls back to when it finds nothing at all.
  if (server === undefined || server === 'http://localhost:8080') {
    throw unusable('no cluster is configured: set KUBECONFIG, or run in a pod')
  }
  return config
}

const unusable = (fault: string): ConfigError =>
  new ConfigError([`KUBECONFIG cannot be used: ${fault}`])

/**
 * What is wrong, never in the words of the error: YAML's quote the lines around a fault, where the token is, and
 * whoever writes the file's content into the variable would find it in the name of a missing file.
 */
function faultOf(error: unknown): string {
  const { name, code, mark, message } = error as Partial<NodeJS.ErrnoException & YamlFault>
  if (name === 'YAMLException') {
    const where = mark ? `, at line ${mark.line + 1}, column ${mark.column + 1}` : ''
    return `the file is not YAML${where}`
  }
  if (code !== undefined) return `a file that it names cannot be read (${code})`
  const [missing] =
    /^(clusters|contexts|users)\[\d+\]\.[a-z.]+ is missing$/.exec(message ?? '') ?? []
  return missing ?? 'the file is not a kubeconfig'
}

/** Lines and columns from 0, as js-yaml counts them. */
interface YamlFault {
  readonly mark: { readonly line: number; readonly column: number } | undefined
}
