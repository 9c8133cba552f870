import type { V1Container, V1Job, V1Secret } from '@kubernetes/client-node'
import { invalid, Refusal } from './status.ts'

const dnsName = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/
const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/
const quantity = /^[+-]?(\d+|\d*\.\d+)(m|k|Ki|[MGTPE]i?|[eE]\d+)?$/

/** Refuses what the real API refuses of a Job, as far as kanihook could get it wrong. */
export function admitJob(job: V1Job): void {
  const name = job.metadata?.name ?? ''
  const template = job.spec?.template
  if (job.apiVersion !== 'batch/v1' || job.kind !== 'Job') {
    throw new Refusal(400, 'BadRequest', 'the API version in the data does not match')
  }
  const refuse = (why: string): never => {
    throw invalid('Job.batch', name, why)
  }
  if (!dnsName.test(name) || name.length > 63) refuse('metadata.name: Invalid value')
  for (const labels of [job.metadata?.labels, template?.metadata?.labels]) {
    for (const value of Object.values(labels ?? {})) {
      if (!labelValue.test(value)) refuse(`metadata.labels: Invalid value: "${value}"`)
    }
  }
  const { containers = [], initContainers = [], restartPolicy, volumes = [] } = template?.spec ?? {}
  if (containers.length === 0) refuse('spec.template.spec.containers: Required value')
  if (restartPolicy !== 'Never' && restartPolicy !== 'OnFailure') {
    refuse('spec.template.spec.restartPolicy: Required value')
  }
  const known = new Set(volumes.map((volume) => volume.name))
  for (const container of [...initContainers, ...containers]) {
    checkQuantities(container)
    if (!container.image) refuse('spec.template.spec.containers[0].image: Required value')
    for (const mount of container.volumeMounts ?? []) {
      if (!known.has(mount.name)) refuse(`volumeMounts.name: Not found: "${mount.name}"`)
    }
  }
}

/** These do not even parse as a Job. */
function checkQuantities({ resources }: V1Container): void {
  const all = [
    ...Object.values(resources?.requests ?? {}),
    ...Object.values(resources?.limits ?? {}),
  ]
  for (const value of all) {
    if (!quantity.test(value)) {
      const why = "quantities must match the regular expression '^([+-]?[0-9.]+)'"
      throw new Refusal(400, 'BadRequest', `Job in version "v1" cannot be handled as a Job: ${why}`)
    }
  }
}

/** `stringData` is for writing only. */
export function admitSecret(secret: V1Secret): V1Secret {
  const { stringData = {}, data = {}, ...rest } = secret
  if (!dnsName.test(secret.metadata?.name ?? '')) {
    throw invalid('Secret', secret.metadata?.name ?? '', 'metadata.name: Invalid value')
  }
  const encoded = Object.entries(stringData).map(([key, text]) => [
    key,
    Buffer.from(text).toString('base64'),
  ])
  return { ...rest, data: { ...data, ...(Object.fromEntries(encoded) as typeof data) } }
}
