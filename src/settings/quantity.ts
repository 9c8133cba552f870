/** A Kubernetes quantity as the API reference of `resource.Quantity` defines it, without a sign. */
export const quantityPattern =
  '^([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?$'

const binary = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']
const decimal: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
}

/** `500m` → 0.5, `2Gi` → 2147483648; undefined where it is not a quantity. */
export function parseQuantity(text: string): number | undefined {
  const [, number, , suffix = ''] = new RegExp(quantityPattern).exec(text) ?? []
  if (number === undefined) return undefined
  if (binary.includes(suffix)) return Number(number) * 1024 ** (binary.indexOf(suffix) + 1)
  if (suffix in decimal) return Number(number) * decimal[suffix]!
  return Number(number + suffix)
}

/** What is wrong with a resource of a container, or undefined. */
export function quantityFault(resource: string, text: string): string | undefined {
  const value = parseQuantity(text)
  if (value === undefined)
    return `"${text}" is not a quantity (write e.g. 500m for cpu, 2Gi for memory)`
  if (value === 0) return `"${text}" is nothing (leave the key out for no such bound)`
  if (resource !== 'cpu' && text.endsWith('m')) {
    return `"${text}" is thousandths of a byte (write ${text.slice(0, -1)}Mi for mebibytes)`
  }
  return undefined
}
