interface Values {
  readonly publicUrl?: string
  readonly config?: object
  readonly mode?: 'single'
  readonly redis?: object
  readonly forges?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** What an example leaves out, because the page has said it before or the reader knows it. */
export function completed(example: Values): object {
  const secret = { value: 'an example of a secret' }
  const forges = Object.entries(example.forges ?? { gitea: { url: 'https://git.acme.io' } })
  return {
    publicUrl: 'https://kanihook.example.com',
    config: {
      repositories: [{ match: 'github.com/acme/*', destination: 'registry.acme.io/acme/{repo}' }],
    },
    redis: { bundled: { enabled: true } },
    ...example,
    forges: Object.fromEntries(
      forges.map(([name, forge]) => [
        name,
        { webhookSecrets: secret, ...('app' in forge ? {} : { token: secret }), ...forge },
      ]),
    ),
  }
}
