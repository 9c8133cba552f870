import { setTimeout as delay } from 'node:timers/promises'
import {
  AuthenticationV1Api,
  AuthorizationV1Api,
  Observable,
  VersionApi,
  type ConfigurationOptions,
  type KubeConfig,
} from '@kubernetes/client-node'
import { messageOf, statusOf, within } from '../cluster/api-call.ts'
import { clockOffset } from '../http/clock-offset.ts'
import { failureReason } from '../http/failure-reason.ts'

/** For each answer of the API, in milliseconds; some follow each other. */
export const clusterAnswerMs = 3_000

export type ReachedCluster =
  | {
      readonly reached: true
      readonly version: string
      /** Who this process is to the API; undefined where that is not told. */
      readonly account: string | undefined
      readonly clockOffsetMs: number | undefined
    }
  | { readonly reached: false; readonly why: string; readonly fix: string }

/** One question for its answer, one for who asks. Ends within 6 s, and never rejects. */
export async function reachCluster(config: KubeConfig): Promise<ReachedCluster> {
  const over = new AbortController()
  const late = delay(2 * clusterAnswerMs, undefined, { signal: over.signal }).then(() => ({
    // Not the API: a program that KUBECONFIG runs for its credentials, say.
    reached: false as const,
    why: 'the credentials or the API gave no answer in time',
    fix: 'try kubectl version with the same KUBECONFIG',
  }))
  try {
    return await Promise.race([askCluster(config), late])
  } finally {
    over.abort()
    late.catch(() => undefined)
  }
}

async function askCluster(config: KubeConfig): Promise<ReachedCluster> {
  try {
    const headers = new Map<string, string>()
    const code = config.makeApiClient(VersionApi).getCode({}, listening(headers))
    const account = accountOf(config)
    const { gitVersion } = await code
    return {
      reached: true,
      version: gitVersion,
      account: await account,
      clockOffsetMs: clockOffset(headers.get('date'), Date.now()),
    }
  } catch (error) {
    if (statusOf(error) === 401) {
      return {
        reached: false,
        why: 'the API refuses the credentials (401)',
        fix: 'give KUBECONFIG a token or certificate that is valid, or run with a service account',
      }
    }
    return {
      reached: false,
      why: `the API cannot be reached: ${whyNot(error)}`,
      fix: 'start it, or mend the server in KUBECONFIG',
    }
  }
}

/** Why a question has no answer: what the API says, or what the network does. */
export const whyNot = (error: unknown): string =>
  statusOf(error) === undefined ? failureReason(error) : messageOf(error)

async function accountOf(config: KubeConfig): Promise<string | undefined> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }
  const api = config.makeApiClient(AuthenticationV1Api)
  const review = await api
    .createSelfSubjectReview({ body }, within(clusterAnswerMs))
    .catch(() => undefined)
  return review?.status?.userInfo?.username
}

/** Options of a call that also note the headers of its answer. */
export function listening(headers: Map<string, string>): ConfigurationOptions {
  const { middleware = [], ...options } = within(clusterAnswerMs)
  return {
    ...options,
    middleware: [
      ...middleware,
      {
        pre: (context) => new Observable(Promise.resolve(context)),
        post: (response) => {
          for (const [name, value] of Object.entries(response.headers)) headers.set(name, value)
          return new Observable(Promise.resolve(response))
        },
      },
    ],
  }
}

export interface AccessQuestion {
  readonly verb: string
  readonly group: string
  /** `pods/log`: with a subresource. */
  readonly resource: string
  /** Undefined: in every namespace. */
  readonly namespace?: string
}

/** Asks the API whether this account may do it. Rejects where the API does not answer. */
export async function mayI(config: KubeConfig, question: AccessQuestion): Promise<boolean> {
  const [resource = '', subresource] = question.resource.split('/')
  const review = await config.makeApiClient(AuthorizationV1Api).createSelfSubjectAccessReview(
    {
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: {
          resourceAttributes: {
            verb: question.verb,
            group: question.group,
            resource,
            ...(subresource === undefined ? {} : { subresource }),
            ...(question.namespace === undefined ? {} : { namespace: question.namespace }),
          },
        },
      },
    },
    within(clusterAnswerMs),
  )
  return review.status?.allowed ?? false
}
