import { createHmac, createPrivateKey, timingSafeEqual } from 'node:crypto'

const openSsh = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]*)-----END OPENSSH PRIVATE KEY/

/** What keeps ssh from using a private key without asking anybody; undefined: nothing that is seen here. Pure. */
export function keyFault(text: string): 'passphrase' | 'public' | 'unreadable' | undefined {
  if (/^(ssh-|ecdsa-|sk-)\S+ /.test(text.trim())) return 'public'
  const encoded = openSsh.exec(text)?.[1]
  if (encoded !== undefined) return openSshFault(Buffer.from(encoded, 'base64'))
  if (encryptedPem.test(text)) return 'passphrase'
  try {
    createPrivateKey(text)
    return undefined
  } catch {
    return 'unreadable'
  }
}

/** PKCS #8, and the older PEM. */
const encryptedPem = /^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m

const magic = 'openssh-key-v1\0'

/** Its own format, which Node does not read: after the magic word the name of the cipher, with its length. See PROTOCOL.key of OpenSSH. */
function openSshFault(bytes: Buffer): 'passphrase' | 'unreadable' | undefined {
  const start = magic.length + 4
  if (bytes.length < start || !bytes.subarray(0, magic.length).equals(Buffer.from(magic))) {
    return 'unreadable'
  }
  const cipher = bytes.subarray(start, start + bytes.readUInt32BE(magic.length)).toString()
  return cipher === 'none' ? undefined : 'passphrase'
}

/** Where ssh connects to. */
export interface SshPlace {
  readonly host: string
  /** 22 unless it says so. */
  readonly port: number
}

export function sshPlace(url: string): SshPlace {
  const { hostname, port } = new URL(url)
  return { host: hostname.toLowerCase(), port: port === '' ? 22 : Number(port) }
}

/** Whether known_hosts has a line for a server: by name, pattern or hash, see sshd(8). Which keys it has is not looked at. Pure. */
export function knowsHost(knownHosts: string, { host, port }: SshPlace): boolean {
  // One at another port is looked for with it, and then without.
  const names = port === 22 ? [host] : [`[${host}]:${port}`, host]
  return knownHosts.split('\n').some((line) => {
    const words = line.trim().split(/\s+/)
    if (words[0] === '' || words[0]?.startsWith('#') || words[0] === '@revoked') return false
    const hosts = words[0] === '@cert-authority' ? words[1] : words[0]
    return names.some((name) => isOneOf(hosts ?? '', name))
  })
}

function isOneOf(hosts: string, name: string): boolean {
  const patterns = hosts.split(',')
  const matches = (pattern: string): boolean =>
    pattern.startsWith('|1|') ? isHashOf(pattern, name) : expressionOf(pattern).test(name)
  return (
    patterns.some((pattern) => !pattern.startsWith('!') && matches(pattern)) &&
    !patterns.some((pattern) => pattern.startsWith('!') && matches(pattern.slice(1)))
  )
}

/** `*` and `?` are all that there is; the brackets of `[host]:port` stand for themselves. */
const expressionOf = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .replaceAll(/[\\^$.|+()[\]{}]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    'i',
  )

/** `|1|salt|hash`, as HashKnownHosts writes it. */
function isHashOf(pattern: string, name: string): boolean {
  const [, , salt = '', hash = ''] = pattern.split('|')
  const made = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest()
  const wanted = Buffer.from(hash, 'base64')
  return made.length === wanted.length && timingSafeEqual(made, wanted)
}
