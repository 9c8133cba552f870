/** An upload is not taken; nothing of it is kept. The message is a sentence for people. */
export class UploadRefused extends Error {
  override readonly name = 'UploadRefused'
  readonly status: 400 | 408 | 413 | 507
  constructor(status: UploadRefused['status'], message: string) {
    super(message)
    this.status = status
  }
}

/** 536870912 → `512 MiB`. */
export function sizeText(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  let unit = 0
  let value = bytes
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${Number(value.toFixed(value < 10 ? 1 : 0))} ${units[unit]}`
}
