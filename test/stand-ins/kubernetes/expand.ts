/**
 * Kubernetes' own replacement of `$(NAME)` in commands, arguments and environment values: `$$` is a
 * `$`, and a name that is not known stays as it is.
 */
export const expand = (text: string, env: Readonly<Record<string, string>>): string =>
  text.replace(/\$\$|\$\(([^)]*)\)/g, (all: string, name: string | undefined) =>
    all === '$$' ? '$' : (env[name ?? ''] ?? all),
  )
