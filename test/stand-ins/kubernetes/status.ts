/** How the Kubernetes API says no: a Status object. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: number
  readonly reason: string
  constructor(code: number, reason: string, message: string) {
    super(message)
    this.code = code
    this.reason = reason
  }
  toStatus(): object {
    const { code, reason, message } = this
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason,
      code,
    }
  }
}

const group = (resource: string): string => (resource === 'jobs' ? 'jobs.batch' : resource)

export const notFound = (resource: string, name: string): Refusal =>
  new Refusal(404, 'NotFound', `${group(resource)} "${name}" not found`)

export const alreadyExists = (resource: string, name: string): Refusal =>
  new Refusal(409, 'AlreadyExists', `${group(resource)} "${name}" already exists`)

export const forbidden = (resource: string, name: string, why: string): Refusal =>
  new Refusal(403, 'Forbidden', `${group(resource)} "${name}" is forbidden: ${why}`)

export const invalid = (kind: string, name: string, why: string): Refusal =>
  new Refusal(422, 'Invalid', `${kind} "${name}" is invalid: ${why}`)

export const gone = new Refusal(410, 'Expired', 'too old resource version')
