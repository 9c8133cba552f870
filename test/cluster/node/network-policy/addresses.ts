/** The first and the last address of an IPv4 block, as `10.0.0.0-10.0.0.255`; `undefined` for IPv6. */
export function rangeOf(cidr: string): string | undefined {
  const [, address, bits] = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(cidr) ?? []
  if (address === undefined || bits === undefined) return undefined
  const size = 2 ** (32 - Number(bits))
  const value = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0)
  const first = Math.floor(value / size) * size
  return `${written(first)}-${written(first + size - 1)}`
}

const written = (value: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')
