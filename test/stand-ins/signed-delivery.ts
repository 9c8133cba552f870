/** What a forge is told to deliver. */
export interface DeliveryOptions {
  readonly secret: string
  readonly body: Buffer
  /** The event's name as the forge writes it; a push, unless said. */
  readonly event?: string
  /** The delivery's id; a random one, unless said. */
  readonly id?: string
  /** Milliseconds since the epoch; now, unless said. For forges that sign the time. */
  readonly at?: number
}

/** A webhook request, ready to be posted. */
export interface SignedDelivery {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}
