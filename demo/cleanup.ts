/** What has to be undone, the last first. */
export interface Cleanup {
  add(undo: () => unknown): void
  /** Undoes everything, whatever fails, and returns what failed. */
  run(): Promise<readonly unknown[]>
}

export function createCleanup(): Cleanup {
  const undos: (() => unknown)[] = []
  return {
    add: (undo) => void undos.push(undo),
    async run() {
      const failures: unknown[] = []
      for (let undo = undos.pop(); undo; undo = undos.pop()) {
        try {
          await undo()
        } catch (error) {
          failures.push(error)
        }
      }
      return failures
    },
  }
}
