import { isIPv6 } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'

/**
 * Where others reach this machine: the first of its addresses that is not its own alone, IPv4 before IPv6. A pod has
 * one. Undefined: it has none. Pure.
 */
export function ownAddress(
  interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>,
): string | undefined {
  const addresses = Object.values(interfaces)
    .flatMap((list) => list ?? [])
    .filter(({ internal, address }) => !internal && !/^fe80:/i.test(address))
    .map(({ address }) => address)
  return addresses.find((address) => !isIPv6(address)) ?? addresses[0]
}

/** The base of URLs at an address: one of IPv6 stands in brackets. */
export const baseUrl = (address: string, port: number): string =>
  `http://${isIPv6(address) ? `[${address}]` : address}:${port}`
