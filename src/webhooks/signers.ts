import type { Rules } from '../builds/rules.ts'
import { DeliveryRejected } from '../errors.ts'
import type { WebhookMessage, WebhookReader, WebhookRequest } from '../forges/forge.ts'
import { rejected } from '../forges/rejections.ts'

/** Who signs webhooks: a name of `webhookSecret`, or undefined for the forge's own secrets. */
type Signer = string | undefined

export interface SignersOptions {
  /** Believes what the forge's own secrets signed. */
  readonly shared: WebhookReader
  /** By the name of a `webhookSecret`: believes what its secrets signed. */
  readonly own: () => ReadonlyMap<string, WebhookReader>
  readonly rules: Rules
}

/**
 * Reads what is signed by whoever signs for the repository, by the entry of kanihook.yaml that decides about it.
 * What a message is about is believed only when a signature is found right, so every secret is tried, and
 * then the repository is looked up: a secret that is another entry's is answered as a wrong one.
 */
export function createSigners({ shared, own, rules }: SignersOptions): WebhookReader {
  return {
    async read(request) {
      const readers: (readonly [Signer, WebhookReader])[] = [[undefined, shared], ...own()]
      const tried = await Promise.all(
        readers.map(async ([signer, reader]) => ({ signer, said: await ask(reader, request) })),
      )
      const right = tried.filter(({ said }) => !isUnsigned(said))
      const [first] = right
      if (first === undefined) throw rejected.signature()
      if (first.said instanceof Error) throw first.said
      const { said: message } = first
      if (message.kind !== 'push') return message
      const { repository } = message.event
      const owner = rules.find(repository)?.webhookSecret
      if (right.some(({ signer }) => signer === owner)) return message
      const error = rejected.signature()
      const signers = right.map(({ signer }) => words(signer)).join(' and ')
      const name = `${repository.host}/${repository.path}`
      error.cause = new Error(`signed by ${signers}, while ${words(owner)} signs for ${name}`)
      throw error
    },
  }
}

const words = (signer: Signer): string =>
  signer === undefined ? "the forge's secret" : `webhookSecret ${signer}`

const ask = (reader: WebhookReader, request: WebhookRequest): Promise<WebhookMessage | Error> =>
  reader.read(request).catch((error: Error) => error)

const isUnsigned = (said: WebhookMessage | Error): boolean =>
  said instanceof DeliveryRejected && said.status === 401
