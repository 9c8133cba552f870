import type { Repository } from '../builds/push-event.ts'
import type { ForgeSettings } from './forge.ts'

type Urls = Pick<ForgeSettings, 'url' | 'sshUrl'>

/** The URL that git clones from, at the configured forge. */
export const cloneUrl = ({ url }: Urls, repository: Repository): string =>
  `${url}/${pathOf(repository)}`

/** The same by SSH. Forges have it at their host, with the user `git`, unless they are told else. */
export const sshUrl = (
  { url, sshUrl: base = `ssh://git@${new URL(url).hostname}` }: Urls,
  repository: Repository,
): string => `${base}/${pathOf(repository)}`

const pathOf = ({ path }: Repository): string =>
  `${path.split('/').map(encodeURIComponent).join('/')}.git`
