import type { ServerResponse } from 'node:http'
import type { V1Pod } from '@kubernetes/client-node'
import type { ContainerLogs, Line } from './container-logs.ts'
import { statusIn } from './pod-handle.ts'
import { Refusal } from './status.ts'

/** `GET …/pods/<name>/log`, as the kubelet behind it answers. */
export function serveLog(options: {
  readonly pod: V1Pod
  readonly query: URLSearchParams
  readonly logs: ContainerLogs
  readonly response: ServerResponse
  readonly stream: (response: ServerResponse, stop: () => void) => void
}): void {
  const { pod, query, logs, response, stream } = options
  const name = pod.metadata?.name ?? ''
  const container = query.get('container') ?? pod.spec?.containers[0]?.name ?? ''
  const { state } = statusIn(pod, container)
  if (!state?.running && !state?.terminated) {
    const why = state?.waiting?.reason ?? 'PodInitializing'
    const message = `container "${container}" in pod "${name}" is waiting to start: ${why}`
    throw new Refusal(400, 'BadRequest', message)
  }
  // The API server passes whole seconds on to the kubelet.
  const since = Math.floor(Date.parse(query.get('sinceTime') ?? '1970-01-01T00:00:00Z') / 1000)
  const stamped = query.get('timestamps') === 'true'
  const tell = ({ time, text }: Line): void => {
    if (Date.parse(time.slice(0, 19) + 'Z') / 1000 < since) return
    if (response.writableEnded) return
    response.write(stamped ? `${time} ${text}\n` : `${text}\n`)
  }
  response.writeHead(200, { 'content-type': 'text/plain' })
  response.flushHeaders()
  if (query.get('follow') !== 'true') {
    for (const line of logs.lines(name, container)) tell(line)
    response.end()
    return
  }
  stream(
    response,
    logs.follow(name, container, tell, () => response.end()),
  )
}
