import { createHmac, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * One signed request after another, each on a connection of its own as forges do, until told to stop.
 * Returns what each was answered: its status, or why there was none.
 */
export async function sendPings(
  url: string,
  secret: string,
  signal: AbortSignal,
): Promise<string[]> {
  const answers: string[] = []
  const body = JSON.stringify({ repository: {} })
  const signature = createHmac('sha256', secret).update(body).digest('hex')
  while (!signal.aborted && answers.length < 2_000) {
    const headers = {
      'content-type': 'application/json',
      connection: 'close',
      'x-gitea-event': 'issues',
      'x-gitea-delivery': randomUUID(),
      'x-gitea-signature': signature,
    }
    const answer = await fetch(url, { method: 'POST', body, headers }).then(
      (response) => String(response.status),
      (error: Error) => (error.cause instanceof Error ? error.cause : error).message,
    )
    answers.push(answer)
    await delay(50)
  }
  return answers
}
