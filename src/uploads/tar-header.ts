/** Bytes of a tar header, and of what its blocks are counted in. */
export const tarBlock = 512

const checksumAt = 148
const checksumLength = 8

/**
 * Whether an archive begins as tar does: a header whose checksum is right (POSIX.1-2024, pax, "ustar Interchange
 * Format": the sum of its bytes, the checksum's own taken for spaces).
 */
export function isTarHeader(block: Uint8Array): boolean {
  if (block.length < tarBlock) return false
  const header = Buffer.from(block.subarray(0, tarBlock))
  const digits = header.toString('latin1', checksumAt, checksumAt + checksumLength)
  const said = Number.parseInt(digits.replaceAll(/[\0 ]/g, ''), 8)
  header.fill(' ', checksumAt, checksumAt + checksumLength)
  return said === header.reduce((sum, byte) => sum + byte, 0)
}

/** Whether bytes begin as gzip does (RFC 1952). */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b
