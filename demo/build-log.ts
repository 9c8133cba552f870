import { setTimeout as delay } from 'node:timers/promises'

export interface BuildLog {
  /** Returns when nothing more comes; for when the build has ended. */
  finish(): Promise<void>
}

const everyMs = 200

/** Follows a build's log through kanihook's API, as an operator would. */
export function followBuildLog(
  adminUrl: string,
  build: string,
  tell: (container: string, line: string) => void,
): BuildLog {
  let told = 0
  const finishing = new AbortController()

  async function look(): Promise<number> {
    const response = await fetch(`${adminUrl}/api/builds/${build}/log`).catch(() => undefined)
    const text = response?.ok ? await response.text() : ''
    const lines = text.split('\n').flatMap((line) => {
      const [, container, words] = /^\S+Z (clone|build) (.*)$/.exec(line) ?? []
      return container === undefined ? [] : [{ container, words: words ?? '' }]
    })
    const fresh = lines.slice(told)
    for (const { container, words } of fresh) tell(container, words)
    told += fresh.length
    return fresh.length
  }

  async function follow(): Promise<void> {
    // Kept a little later than the build ends: over when two looks in a row bring nothing.
    for (let quiet = 0; !finishing.signal.aborted || quiet < 2;) {
      quiet = (await look()) === 0 ? quiet + 1 : 0
      await delay(everyMs)
    }
  }

  const following = follow()
  return {
    async finish() {
      finishing.abort()
      await following
    },
  }
}
