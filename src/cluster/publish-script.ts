import { checkLayout } from './layout-script.ts'
import { eachPlace } from './places.ts'

/**
 * What the publish container runs (POSIX sh with crane; busybox will do):
 *
 *     sh -c publishScript publish <layout> [<flag> <repository> <tag>]…
 *
 * It pushes the image of the OCI layout, by its digest, to each repository; when all have it, it moves
 * the tags, one right after the other, and last it writes `repository:tag@digest` for each of them. An
 * end before the last tag leaves those behind it where they were. The flag is `--insecure` or nothing,
 * and so may the tag be: then the repository has the image by its digest alone.
 *
 * crane pushes the very manifest that Kaniko wrote, so the digest is Kaniko's; the registry compares it
 * with what comes. Passing faults of the network and of the registry (5xx, 429) it tries three times.
 */
export const publishScript = `set -eu
# One stream: the order of two is not kept.
exec 2>&1
layout=$1
shift
${checkLayout}

${eachPlace}
pushed=' '
upload() {
  case $pushed in *" $2 "*) return ;; esac
  echo "Pushing to $2: $digest"
  crane push \${1:+"$1"} "$layout" "$2@$digest" >/dev/null
  pushed="$pushed$2 "
}
move() {
  [ -n "$3" ] || return 0
  echo "Tagging $2:$3"
  crane tag \${1:+"$1"} "$2@$digest" "$3"
}
say() {
  echo "$2\${3:+:$3}@$digest"
}

each upload "$@"
each move "$@"
each say "$@" >/dev/termination-log
`
