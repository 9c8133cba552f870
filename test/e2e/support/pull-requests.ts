import type { TestCluster } from '../../cluster/cluster.ts'
import type { TestRepository } from './repository.ts'

/** What somebody does with pull requests at the real Gitea. */
export interface PullRequests {
  /** Opens one from a branch (`owner:branch` of a fork) into main; returns its number. */
  open(repository: TestRepository, head: string): Promise<number>
  setState(repository: TestRepository, number: number, state: 'open' | 'closed'): Promise<void>
  /** Makes a fork under this person's name. Returns its clone URL, with the login. */
  fork(repository: TestRepository): Promise<string>
  /** The clone URL of a repository, with this person's login. */
  cloneUrl(repository: TestRepository): string
}

interface Person {
  readonly username: string
  readonly password: string
}

export const ownersPullRequests = ({ gitea }: TestCluster): PullRequests =>
  pullRequestsOf(gitea.url, gitea)

/** Somebody with an account, and no rights but those that everybody has. */
export async function strangersPullRequests(
  { gitea }: TestCluster,
  username: string,
): Promise<PullRequests> {
  const person = { username, password: `${username}-password-4711` }
  await call(gitea.url, gitea, 'POST', '/admin/users', {
    ...person,
    email: `${username}@kanihook.test`,
    must_change_password: false,
  })
  return pullRequestsOf(gitea.url, person)
}

function pullRequestsOf(url: string, person: Person): PullRequests {
  const asked = (method: string, path: string, body: object): Promise<unknown> =>
    call(url, person, method, path, body)
  const withLogin = (path: string): string => {
    const clone = new URL(`${url}/${path}.git`)
    clone.username = person.username
    clone.password = person.password
    return clone.href
  }
  return {
    async open({ path }, head) {
      const body = { head, base: 'main', title: `From ${head}` }
      const made = (await asked('POST', `/repos/${path}/pulls`, body)) as { number: number }
      return made.number
    },
    setState: async ({ path }, number, state) =>
      void (await asked('PATCH', `/repos/${path}/pulls/${number}`, { state })),
    async fork({ path }) {
      await asked('POST', `/repos/${path}/forks`, {})
      return withLogin(`${person.username}/${path.split('/').at(-1)}`)
    },
    cloneUrl: ({ path }) => withLogin(path),
  }
}

async function call(
  url: string,
  { username, password }: Person,
  method: string,
  path: string,
  body: object,
): Promise<unknown> {
  const login = Buffer.from(`${username}:${password}`).toString('base64')
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { authorization: `Basic ${login}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return JSON.parse(text)
}
