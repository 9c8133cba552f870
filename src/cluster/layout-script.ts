/**
 * sh (busybox will do): sets `$digest` to that of the one image in the folder `$layout`, and ends with 1 where
 * the folder holds anything but plain files and folders, or anything but one image.
 *
 * RUN steps are root beside the folder and can write into it. What they make it hold is no danger: it
 * is an image that its author could have built anyway, and a registry takes nothing under a digest that
 * is not its own. But a link in it would be followed by who reads it, out of the folder and to a login.
 * And of an index of several, which a RUN step could put in its place, one would be scanned and all published.
 * Nobody writes there any more when this runs: the build's container has ended, and mounts are read-only.
 *
 * go-containerregistry, by which Kaniko writes it, gives the index one form but for white space.
 */
export const checkLayout = `if [ -n "$(find "$layout" ! -type f ! -type d | head -n 1)" ]; then
  echo "The image's folder holds a link: a RUN step has put it there" >&2
  exit 1
fi
digest=$(tr -d ' \\t\\r\\n' <"$layout/index.json" | sed -nE 's#^\\{"schemaVersion":2,("mediaType":"[a-z0-9./+]*",)?"manifests":\\[\\{"mediaType":"application/vnd\\.(docker\\.distribution\\.manifest\\.v2|oci\\.image\\.manifest\\.v1)\\+json","size":[0-9]+,"digest":"(sha256:[0-9a-f]{64})"(,"(platform|annotations)":\\{[^{}]*\\})*\\}\\]\\}$#\\3#p')
if [ -z "$digest" ]; then
  echo "The image's folder holds something else than one image: a RUN step has put it there" >&2
  exit 1
fi`
