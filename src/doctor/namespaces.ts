import { namespacesOf, type Config } from '../settings/config.ts'
import type { Settings } from '../settings/settings.ts'

export interface OfNamespace {
  /** Whose build namespace is this one. */
  readonly settings: Settings
  /** The entries whose builds run there. */
  readonly config: Config | undefined
}

/** The installation as each namespace of builds sees it, the build namespace first. Pure. */
export function byNamespace(settings: Settings, config: Config | undefined): OfNamespace[] {
  if (!config) return [{ settings, config }]
  const { buildNamespace } = settings
  const { entries, uploads } = config
  return [...new Set([buildNamespace, ...namespacesOf(config)])].map((name) => ({
    settings: { ...settings, buildNamespace: name },
    config: {
      ...config,
      entries: entries.filter(({ namespace = buildNamespace }) => namespace === name),
      uploads: name === buildNamespace ? uploads : [],
    },
  }))
}
