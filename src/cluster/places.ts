import type { ImagePlan } from '../builds/build.ts'
import type { RegistrySettings } from '../settings/settings.ts'

/** For each destination three words of a script: `--insecure` or nothing, the repository, the tag or nothing. */
export function placesOf(
  { destinations }: ImagePlan,
  registries: readonly RegistrySettings[],
): readonly string[] {
  return destinations.flatMap((destination) => {
    const [host] = destination.split('/')
    const settings = registries.find((registry) => registry.host === host)
    const flag = settings?.insecure || settings?.skipTlsVerify ? '--insecure' : ''
    // The last colon may be that of a port.
    const [, repository = destination, tag = ''] = /^(.*):([^/:]*)$/.exec(destination) ?? []
    return [flag, repository, tag]
  })
}

/** sh: calls a function, the first argument, with the three words of each place that follows. */
export const eachPlace = `each() {
  action=$1
  shift
  while [ $# -gt 0 ]; do
    "$action" "$1" "$2" "$3"
    shift 3
  done
}`
