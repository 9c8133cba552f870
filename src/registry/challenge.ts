/** How a registry wants to be logged in to: its `WWW-Authenticate` header (RFC 9110, RFC 6750). */
export type Challenge =
  | { readonly scheme: 'basic' }
  | { readonly scheme: 'bearer'; readonly realm: string; readonly service: string | undefined }

/** Reads the first challenge that kanihook can answer; undefined: there is none. */
export function readChallenge(header: string | undefined): Challenge | undefined {
  const text = header ?? ''
  const bearer = /\bbearer\s+(?=[a-z_]+=)/i.exec(text)
  if (bearer) {
    const parameters = new Map<string, string>()
    const rest = text.slice(bearer.index + bearer[0].length)
    for (const [, name = '', quoted, bare] of rest.matchAll(
      /([a-z_]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))/gi,
    )) {
      const key = name.toLowerCase()
      // What comes again belongs to the next challenge.
      if (parameters.has(key)) break
      parameters.set(key, quoted?.replaceAll(/\\(.)/g, '$1') ?? bare ?? '')
    }
    const realm = parameters.get('realm')
    if (realm) return { scheme: 'bearer', realm, service: parameters.get('service') }
  }
  return /\bbasic\b/i.test(text) ? { scheme: 'basic' } : undefined
}
