import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { githubDelivery } from '../../test/stand-ins/github/delivery.ts'

const examples = createRequire(import.meta.url)('@octokit/webhooks-examples') as readonly {
  readonly name: string
  readonly examples: readonly { readonly ref: string; readonly after: string }[]
}[]

const payload = examples
  .find(({ name }) => name === 'push')
  ?.examples.find(({ ref }) => ref.startsWith('refs/heads/'))
if (!payload) throw new Error('@octokit/webhooks-examples has no push to a branch')
const { after } = payload
const text = JSON.stringify(payload)

/** Bytes of one push's body. */
export const payloadBytes = Buffer.byteLength(text)

/**
 * GitHub's own example of a push to a branch, signed, as the bytes of HTTP requests. Each has a
 * delivery id and a commit of its own, so that none is a duplicate. Made before the time starts.
 */
export function signedPushes(count: number, secret: string): Buffer[] {
  return Array.from({ length: count }, () => {
    const commit = randomBytes(20).toString('hex')
    return request(githubDelivery({ secret, body: Buffer.from(text.replaceAll(after, commit)) }))
  })
}

function request({ headers, body }: ReturnType<typeof githubDelivery>): Buffer {
  const lines = Object.entries({ host: '127.0.0.1', ...headers, 'content-length': body.length })
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return Buffer.concat([Buffer.from(`POST /webhooks/github HTTP/1.1\r\n${head}\r\n`), body])
}
