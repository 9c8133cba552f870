import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A part of the benchmark in a process of its own, so that it does not share the time of another's loop. */
export interface Child {
  readonly pid: number
  /** Sends a message and waits for the one that answers it. Throws when the process ends instead. */
  ask<Answer>(message: object): Promise<Answer>
  stop(): Promise<void>
}

/** Starts a module of this folder, with the same Node as this process. It must end when it is disconnected. */
export function startChild(module: string): Child {
  const child = fork(fileURLToPath(new URL(module, import.meta.url)))
  const exit = once(child, 'exit')
  const died = exit.then((): never => {
    throw new Error(`${module} ended by itself`)
  })
  died.catch(() => undefined)
  return {
    pid: child.pid ?? NaN,
    async ask<Answer>(message: object) {
      const answer = once(child, 'message')
      child.send(message)
      const [received] = await Promise.race([answer, died])
      return received as Answer
    },
    async stop() {
      if (child.connected) child.disconnect()
      await exit
    },
  }
}
