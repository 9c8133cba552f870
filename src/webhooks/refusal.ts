import { DeliveryRejected } from '../errors.ts'

export interface Refusal {
  readonly status: number
  readonly body: { readonly error: string }
  readonly headers: Readonly<Record<string, string>>
}

const headersOf: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  405: { allow: 'POST' },
  429: { 'retry-after': '5' },
  503: { 'retry-after': '5' },
}

/**
 * What the sender is told: a constant sentence. Errors that are not ours to word are `internal
 * error`, except those that express itself makes of a request it cannot read.
 */
export function refusal(error: unknown): Refusal {
  if (error instanceof DeliveryRejected) {
    const { status, message } = error
    return { status, body: { error: message }, headers: headersOf[status] ?? {} }
  }
  if (error instanceof URIError) return { status: 400, body: { error: 'bad path' }, headers: {} }
  return { status: 500, body: { error: 'internal error' }, headers: {} }
}
