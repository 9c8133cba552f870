import { z } from 'zod'

const text = z.string().optional()

/** The lines of kanihook's log that the story is made of; all others are `other`. */
const eventSchema = z.discriminatedUnion('msg', [
  z.object({
    msg: z.literal('webhook'),
    decision: z.string(),
    delivery: text,
    ref: text,
    after: text,
    reason: text,
    error: text,
    status: z.number().optional(),
  }),
  z.object({ msg: z.literal('delivery planned'), decision: z.string(), reason: z.string() }),
  z.object({
    msg: z.literal('build changed'),
    build: z.string(),
    image: z.string(),
    sha: z.string(),
    state: z.string(),
    step: text,
    note: text,
  }),
  z.object({
    msg: z.literal('build ended'),
    build: z.string(),
    image: z.string(),
    sha: z.string(),
    outcome: z.object({
      state: z.string(),
      reason: text,
      pushed: z.array(z.object({ destination: z.string(), digest: z.string() })).optional(),
    }),
  }),
  z.object({ msg: z.literal('status posted') }),
  z.object({ msg: z.literal('status refused by the forge'), refused: z.string() }),
])

type Known = z.infer<typeof eventSchema>

export interface OtherEvent {
  readonly msg: 'other'
  readonly level: string
  readonly text: string
}

/** `at`: milliseconds since the epoch. */
export type LogEvent = (Known | OtherEvent) & { readonly at: number }
export type EventOf<M extends LogEvent['msg']> = Extract<LogEvent, { msg: M }>

const lineSchema = z.looseObject({
  time: z.iso.datetime(),
  level: z.string(),
  msg: z.string().default(''),
  err: z.object({ message: z.string() }).optional(),
})

/** Reads a line of kanihook's output, which is JSON unless something went very wrong. */
export function readEvent(line: string): LogEvent {
  const parsed = lineSchema.safeParse(asJson(line))
  if (!parsed.success) return { msg: 'other', level: 'error', text: line, at: Date.now() }
  const { time, level, msg, err } = parsed.data
  const at = Date.parse(time)
  const known = eventSchema.safeParse(parsed.data)
  if (known.success) return { ...known.data, at }
  return { msg: 'other', level, text: err ? `${msg}: ${err.message}` : msg, at }
}

function asJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
