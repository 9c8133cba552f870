import { z } from 'zod'

/** The forge that the demo pushes to. */
export interface DemoForge {
  /** What it is, and what of it is not real, as lines for a person. */
  readonly facts: readonly string[]
  /** Where git and the webhooks' hosts are, without a slash at its end. */
  readonly url: string
  readonly apiUrl: string
  /** `owner/name` of the demo's private repository. */
  readonly repository: string
  /** The repository's URL for a person who may push, login included. */
  readonly loginUrl: string
  /** kanihook's own token. */
  readonly token: string
  readonly webhookSecret: string
  /** From now on each push is told to this URL, in a signed request. */
  addWebhook(url: string): Promise<void>
  close(): Promise<void>
}

const statusesSchema = z.array(
  z.object({
    id: z.number(),
    status: z.enum(['pending', 'success', 'error', 'failure', 'warning']),
    context: z.string(),
    description: z.string(),
    target_url: z.string(),
  }),
)

export type ForgeStatus = z.infer<typeof statusesSchema>[number]

/** Every status that the forge was given for the commit, oldest first. */
export async function readStatuses(
  { apiUrl, repository, token }: DemoForge,
  sha: string,
): Promise<readonly ForgeStatus[]> {
  const response = await fetch(`${apiUrl}/repos/${repository}/statuses/${sha}?limit=50`, {
    headers: { authorization: `token ${token}` },
  })
  if (!response.ok) throw new Error(`the forge answers ${response.status} when asked for statuses`)
  const statuses = statusesSchema.parse(await response.json())
  return statuses.toSorted((a, b) => a.id - b.id)
}
