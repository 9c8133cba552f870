import type { V1LabelSelector } from '@kubernetes/client-node'

export type Labels = Readonly<Record<string, string>>

/** Whether a selector selects labels; an empty one selects all (LabelSelector of the Kubernetes API). */
export function selects(selector: V1LabelSelector, labels: Labels): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key]
      const isListed = value !== undefined && values.includes(value)
      switch (operator) {
        case 'In':
          return isListed
        case 'NotIn':
          return !isListed
        case 'Exists':
          return value !== undefined
        case 'DoesNotExist':
          return value === undefined
        default:
          throw new Error(`not an operator of a label selector: ${operator}`)
      }
    })
  )
}
