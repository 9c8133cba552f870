import { eachPlace } from './places.ts'

/**
 * What the container of a build's index runs (POSIX sh with crane; busybox will do):
 *
 *     sh -c indexScript index <digest>… -- [<flag> <repository> <tag>]…
 *
 * In each repository it makes an OCI index of the images with these digests, in their order, which the
 * digest of the index depends on; the first of its tags is the index' from the moment that it is there,
 * and the others follow: crane wants a tag for it, or the digest beforehand. Last it writes
 * `repository:tag@digest` for each of them. It never adds to an index that is there. The flag is
 * `--insecure` or nothing.
 */
export const indexScript = `set -eu
# One stream: the order of two is not kept.
exec 2>&1
images=
while [ "$1" != -- ]; do
  images="$images $1"
  shift
done
shift

${eachPlace}
made=' '
first=' '
digest=
# A shell of its own, for its arguments are others.
append() (
  flag=$1 repository=$2 tag=$3
  set --
  for image in $images; do set -- "$@" -m "$repository@$image"; done
  crane index append \${flag:+"$flag"} "$@" -t "$repository:$tag"
)
create() {
  case $made in *" $2 "*) return ;; esac
  echo "Pushing to $2:$3"
  reference=$(append "$@")
  digest=\${reference##*@}
  made="$made$2 "
  first="$first$2:$3 "
}
move() {
  case $first in *" $2:$3 "*) return ;; esac
  echo "Tagging $2:$3"
  crane tag \${1:+"$1"} "$2@$digest" "$3"
}
say() {
  echo "$2:$3@$digest"
}

each create "$@"
each move "$@"
each say "$@" >/dev/termination-log
`
