import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../support/command.ts'

/** A certificate and its key, as paths of PEM files. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

export interface CertificateRequest {
  readonly name: string
  /** Kubernetes reads the user from the common name and the groups from the organisation. */
  readonly commonName: string
  readonly organization?: string
  /** As openssl writes them: `IP:10.0.0.1`, `DNS:localhost`. */
  readonly alternativeNames?: readonly string[]
}

const days = '30'
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc']

/** An authority of the cluster's own, which lives as long as the cluster. */
export async function createAuthority(directory: string) {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const path = (file: string) => join(directory, file)
  const authority: Certificate = { cert: path('ca.crt'), key: path('ca.key') }
  const subject = ['-subj', '/CN=kanihook test cluster']
  const files = ['-keyout', authority.key, '-out', authority.cert]
  await run('openssl', ['req', '-x509', ...newKey, ...subject, '-days', days, ...files])

  async function issue(request: CertificateRequest): Promise<Certificate> {
    const { name, commonName, organization, alternativeNames = [] } = request
    const issued: Certificate = { cert: path(`${name}.crt`), key: path(`${name}.key`) }
    const who = `${organization ? `/O=${organization}` : ''}/CN=${commonName}`
    const extensions = [
      'keyUsage=digitalSignature',
      'extendedKeyUsage=serverAuth,clientAuth',
      ...(alternativeNames.length > 0 ? [`subjectAltName=${alternativeNames.join(',')}`] : []),
    ]
    await writeFile(path(`${name}.ext`), extensions.join('\n'))
    const csr = path(`${name}.csr`)
    await run('openssl', ['req', ...newKey, '-subj', who, '-keyout', issued.key, '-out', csr])
    const by = ['-CA', authority.cert, '-CAkey', authority.key, '-CAcreateserial', '-days', days]
    const result = ['-extfile', path(`${name}.ext`), '-out', issued.cert]
    await run('openssl', ['x509', '-req', '-in', csr, ...by, ...result])
    return issued
  }

  /** A key pair that signs service account tokens. */
  async function issueKeyPair(name: string): Promise<{ privateKey: string; publicKey: string }> {
    const [privateKey, publicKey] = [path(`${name}.key`), path(`${name}.pub`)]
    const curve = ['-name', 'prime256v1']
    await run('openssl', ['ecparam', ...curve, '-genkey', '-noout', '-out', privateKey])
    await run('openssl', ['ec', '-in', privateKey, '-pubout', '-out', publicKey])
    return { privateKey, publicKey }
  }

  return { cert: authority.cert, issue, issueKeyPair }
}

/** The text of a kubeconfig that needs no other file. */
export async function kubeconfig(server: string, authority: string, client: Certificate) {
  const data = async (path: string) => (await readFile(path)).toString('base64')
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'kanihook',
        cluster: { server, 'certificate-authority-data': await data(authority) },
      },
    ],
    users: [
      {
        name: 'kanihook',
        user: {
          'client-certificate-data': await data(client.cert),
          'client-key-data': await data(client.key),
        },
      },
    ],
    contexts: [{ name: 'kanihook', context: { cluster: 'kanihook', user: 'kanihook' } }],
    'current-context': 'kanihook',
  })
}
