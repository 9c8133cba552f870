import type { PushEvent } from '../builds/push-event.ts'
import type { Rules } from '../builds/rules.ts'

export type Verdict =
  | { readonly wanted: true }
  /** `reason` is a sentence for the person who wonders why nothing was built. */
  | { readonly wanted: false; readonly reason: string }

const wanted: Verdict = { wanted: true }

/** Whether kanihook.yaml, as it stands now, wants this push. */
export function decide(event: PushEvent, rules: Rules): Verdict {
  const { host, path } = event.repository
  const rule = rules.find(event.repository)
  if (rule === undefined) {
    return { wanted: false, reason: `no entry of kanihook.yaml matches ${host}/${path}` }
  }
  const reason = rule.unwanted(event)
  return reason === undefined ? wanted : { wanted: false, reason }
}
