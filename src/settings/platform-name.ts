import { closest } from './suggestion.ts'

/** What Go builds for on Linux (`go tool dist list`); Kubernetes' label kubernetes.io/arch has the same names. */
const architectures: readonly string[] = [
  '386',
  'amd64',
  'arm',
  'arm64',
  'loong64',
  'mips',
  'mips64',
  'mips64le',
  'mipsle',
  'ppc64',
  'ppc64le',
  'riscv64',
  's390x',
]

/** What `uname -m`, Debian and others call them. */
const otherNames: ReadonlyMap<string, string> = new Map([
  ['aarch64', 'arm64'],
  ['armv8', 'arm64'],
  ['arm64v8', 'arm64'],
  ['x86_64', 'amd64'],
  ['x86-64', 'amd64'],
  ['x64', 'amd64'],
  ['x86', '386'],
  ['i386', '386'],
  ['i686', '386'],
  ['armhf', 'arm/v7'],
  ['armv7', 'arm/v7'],
  ['armv7l', 'arm/v7'],
  ['arm32v7', 'arm/v7'],
  ['armel', 'arm/v6'],
  ['armv6', 'arm/v6'],
  ['armv6l', 'arm/v6'],
  ['arm32v6', 'arm/v6'],
  ['ppc64el', 'ppc64le'],
  ['loongarch64', 'loong64'],
  ['mipsel', 'mipsle'],
  ['mips64el', 'mips64le'],
])

const variant = 'v[0-9]{1,2}'

/** `linux/<architecture>[/<variant>]` */
export const platformPattern = `^linux/(${architectures.join('|')})(/${variant})?$`

const form = new RegExp(platformPattern)

/** What is wrong with the name of a platform, or undefined. */
export function platformFault(text: string): string | undefined {
  if (form.test(text)) return undefined
  const [first = '', ...rest] = text.toLowerCase().split('/')
  const isSystem = rest.length > 0 && !isArchitecture(first)
  if (isSystem && closest(first, ['linux']) === undefined) {
    return `"${text}" is not a platform of Linux: kanihook builds for linux alone (write e.g. linux/amd64)`
  }
  const meant = platformOf(isSystem ? rest : [first, ...rest])
  return meant === undefined
    ? `"${text}" is not a platform (write e.g. linux/amd64; architectures: ${architectures.join(', ')})`
    : `"${text}" is not a platform (did you mean ${meant}?)`
}

const isArchitecture = (name: string): boolean =>
  architectures.includes(name) || otherNames.has(name)

function platformOf([name = '', version]: readonly string[]): string | undefined {
  const architecture = otherNames.get(name) ?? closest(name, architectures)
  if (architecture === undefined) return undefined
  const meant = `linux/${architecture}${version === undefined ? '' : `/${version}`}`
  // Not every word after it is a variant, and another name may say it already.
  return form.test(meant) ? meant : `linux/${architecture}`
}
