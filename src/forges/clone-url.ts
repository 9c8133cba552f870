import type { Repository } from '../builds/push-event.ts'

/** The URL that git clones from, at the configured forge (no trailing slash). */
export const cloneUrl = (url: string, repository: Repository): string =>
  `${url}/${repository.path.split('/').map(encodeURIComponent).join('/')}.git`
