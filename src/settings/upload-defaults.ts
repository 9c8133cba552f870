import { isMapping, type Mapping } from './inherit.ts'
import { ofRepositories } from './image-schema.ts'

/** What `defaults` say to images of uploads: all but what is about a repository. Pure. */
export function uploadDefaults<Defaults extends Mapping>(
  defaults: Defaults,
): Omit<Defaults, keyof typeof ofRepositories> {
  const kept = Object.entries(defaults).filter(([key]) => !Object.hasOwn(ofRepositories, key))
  return Object.fromEntries(
    kept.map(([key, value]) => [key, key === 'scan' ? withoutIgnoreFile(value) : value]),
  ) as Omit<Defaults, keyof typeof ofRepositories>
}

function withoutIgnoreFile(scan: unknown): unknown {
  if (!isMapping(scan)) return scan
  const { ignoreFile: _, ...rest } = scan
  return rest
}
