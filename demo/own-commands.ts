import { readdirSync, readFileSync } from 'node:fs'

interface Process {
  readonly pid: number
  readonly parent: number
  readonly group: number
}

/**
 * Ends the commands that this process waits for, as Ctrl-C in a terminal does by itself: those that
 * descend from it and share its process group. What is to go on (servers) has a group of its own.
 * Without /proc, which is Linux's, nothing happens.
 */
export function interruptCommands(): void {
  const all = processes()
  const own = all.find(({ pid }) => pid === process.pid)
  if (!own) return
  for (const { pid, group } of descendants(all, process.pid)) {
    if (group !== own.group) continue
    try {
      process.kill(pid, 'SIGTERM')
    } catch {
      // gone by itself
    }
  }
}

function descendants(all: readonly Process[], pid: number): Process[] {
  const children = all.filter(({ parent }) => parent === pid)
  return children.flatMap((child) => [child, ...descendants(all, child.pid)])
}

function processes(): Process[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap(readProcess)
  } catch {
    return []
  }
}

/** proc(5): `pid (comm) state ppid pgrp …`; comm may hold spaces and parentheses. */
function readProcess(name: string): Process[] {
  try {
    const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
    const [, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return [{ pid: Number(name), parent: Number(parent), group: Number(group) }]
  } catch {
    return []
  }
}
