/** Options of every command that asks a running kanihook, and how they are told of. */
export const apiOptions = { url: { type: 'string' } } as const

export const apiHelp = `  --url URL   where kanihook's admin port is; default: $KANIHOOK_URL, else
              http://127.0.0.1:$ADMIN_PORT (9090), as in its pod and behind kubectl port-forward

Where kanihook has ADMIN_TOKENS, KANIHOOK_TOKEN must be one of them.`

export const buildHelp = '  BUILD       the id of a build, or what no other id begins with'
