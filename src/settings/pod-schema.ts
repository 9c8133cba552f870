import { z } from 'zod'
import { matching } from './schema-text.ts'

/**
 * Where a build's pod may run and as whom, in Kubernetes' own words. The patterns are those of the
 * Kubernetes API for label keys, label values and names of objects.
 */
const labelKey = matching(
  '^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$',
  'cannot be the key of a label or a taint (write e.g. acme.io/pool)',
)
const labelValue = matching(
  '^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$',
  'cannot be the value of a label or a taint (at most 63 letters, digits, . _ -)',
)

const nodeSelector = z
  .record(labelKey, labelValue)
  .optional()
  .describe('Labels that the node must have. Default: those of platforms.')

const toleration = z
  .strictObject({
    key: labelKey.optional().describe("The taint's key. Default: every one, with operator Exists."),
    operator: z
      .enum(['Equal', 'Exists'])
      .optional()
      .describe('Whether its value counts. Default: Equal.'),
    value: labelValue.optional().describe("The taint's value. Default: the empty one."),
    effect: z
      .enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])
      .optional()
      .describe('Which of its effects is tolerated. Default: each.'),
  })
  .superRefine(({ key, operator, value }, context) => {
    const fault = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', message, path: [path] })
    if (key === undefined && operator !== 'Exists') {
      fault('key', 'missing (name the taint, or say operator: Exists to tolerate every one)')
    }
    if (operator === 'Exists' && value !== undefined) {
      fault('value', 'has no meaning with operator Exists (leave one of them out)')
    }
  })

export const tolerationKeys: readonly string[] = Object.keys(toleration.shape)

const objectName = '^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$'

/** What an image may say about its build's pod. */
export const podSettings = {
  nodeSelector,
  tolerations: z
    .array(toleration)
    .optional()
    .describe('Taints of nodes on which it may run all the same. Default: none.'),
  priorityClassName: matching(
    objectName,
    'cannot be the name of a PriorityClass (lower-case letters, digits, - and .)',
  )
    .optional()
    .describe("PriorityClass of the build's pod. Default: the cluster's default."),
  serviceAccountName: matching(
    objectName,
    'cannot be the name of a ServiceAccount (lower-case letters, digits, - and .)',
  )
    .optional()
    .describe(
      "ServiceAccount of the build's pod in BUILD_NAMESPACE, for a cloud's login to its registry. Default: default.",
    ),
}
