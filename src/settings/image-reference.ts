/**
 * Names of images, by the grammar of github.com/distribution/reference:
 * `host[:port]/path[:tag][@digest]`, where every part of the path is lower case.
 */
const label = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?'
const host = `(?:${label}(?:\\.${label})*|\\[[0-9a-fA-F:]+\\])(?::[0-9]{1,5})?`
const part = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const path = `${part}(?:/${part})*`
const tag = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}'
const digest = 'sha256:[0-9a-f]{64}'

const anchored = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`)
const hostForm = anchored(host)
const mirrorForm = anchored(`${host}(?:/${path})?`)
const partForm = anchored(part)
const nameForm = anchored(path)
const referenceForm = anchored(`(?:${host}/)?${path}(?::(${tag}))?(?:@(${digest}))?`)

/** What may stand between two `/` of an image's path. */
export const isPathPart = (text: string): boolean => partForm.test(text)

/** Docker's rule for telling `registry/app` (a user of Docker Hub) from `registry:5000/app`. */
const isHost = (text: string): boolean =>
  hostForm.test(text) && (/[.:]/.test(text) || text === 'localhost')

/** `host[:port]` of a registry. */
export const isRegistryHost = (text: string): boolean => hostForm.test(text)

/** `host[:port][/path]`, from where images of another registry are pulled. */
export const isRegistryMirror = (text: string): boolean => mirrorForm.test(text)

/** Splits a destination, whose templates may be unfilled, into its registry and the rest. */
export function splitDestination(destination: string): { registry: string; name: string } {
  const [registry = '', ...name] = destination.split('/')
  return { registry, name: name.join('/') }
}

/**
 * What is wrong with `host[:port]/path`, where the path may hold `{owner}` and `{repo}`; undefined:
 * nothing. The host is always written out: a login for it must never go where a repository's name
 * says, nor to a registry that is merely the default.
 */
export function destinationFault(text: string): string | undefined {
  const { registry, name } = splitDestination(text)
  if (text.includes('://')) return `"${text}" is a URL (leave out ${text.split('://')[0]}://)`
  if (text.includes('@')) return `"${text}" has a digest or a login (leave out what is at the @)`
  if (name === '' || !isHost(registry)) {
    return `"${text}" does not start with a registry's host (write e.g. registry.acme.io/${text.replace(/^\/+/, '') || 'app'})`
  }
  if (name.includes(':')) {
    return `"${text}" has a tag (leave it out, and say it under "tags")`
  }
  const filled = name.replaceAll('{owner}', 'o').replaceAll('{repo}', 'r')
  if (/[A-Z]/.test(filled)) {
    return `"${text}" has capitals (write the path in lower case)`
  }
  if (!nameForm.test(filled) || filled.length > 255) {
    return `"${text}" is not an image's name (after the host: lower-case letters and digits, joined by single . _ / or by -)`
  }
  return undefined
}

/**
 * What is wrong with `host[:port]/path[:tag]`, from where something is pulled by a login of its own; undefined:
 * nothing.
 */
export function databaseFault(text: string): string | undefined {
  const { registry } = splitDestination(text)
  if (text.includes('://')) return `"${text}" is a URL (leave out ${text.split('://')[0]}://)`
  if (isHost(registry) && referenceForm.test(text)) return undefined
  return `"${text}" is not a place in a registry (write e.g. registry.acme.io/mirror/trivy-db:2)`
}

/** An image to run: what is wrong with it, or undefined. */
export function imageFault(text: string): string | undefined {
  return referenceForm.test(text) ? undefined : 'is not an image reference (host/path:tag)'
}

export interface ImageParts {
  /** `host[:port]`; Docker Hub's where none is written. */
  readonly registry: string
  readonly name: string
  readonly tag: string | undefined
  /** `sha256:…` */
  readonly digest: string | undefined
}

/** Takes an image to run apart, as a node does that pulls it. */
export function imageParts(reference: string): ImageParts {
  const [, tag, digest] = referenceForm.exec(reference) ?? []
  const [named = ''] = reference.split('@')
  const path = tag === undefined ? named : named.slice(0, -(tag.length + 1))
  const [first = '', ...rest] = path.split('/')
  if (rest.length > 0 && isHost(first))
    return { registry: first, name: rest.join('/'), tag, digest }
  return { registry: 'docker.io', name: rest.length > 0 ? path : `library/${path}`, tag, digest }
}

/** Whether an image to run is pinned: by a digest, or by a tag other than `latest`. */
export function isPinned(text: string): boolean {
  const [, version, hash] = referenceForm.exec(text) ?? []
  return hash !== undefined || (version !== undefined && version !== 'latest')
}
