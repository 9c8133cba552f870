/**
 * A line of sh (busybox will do): ends with 1 where the image's folder `$layout` holds anything but
 * plain files and folders.
 *
 * RUN steps are root beside the folder and can write into it. What they make it hold is no danger: it
 * is an image that its author could have built anyway, and a registry takes nothing under a digest that
 * is not its own. But a link in it would be followed by who reads it, out of the folder and to a login.
 * Nobody writes there any more when this runs: the build's container has ended, and mounts are read-only.
 */
export const refuseLinks = `if [ -n "$(find "$layout" ! -type f ! -type d | head -n 1)" ]; then
  echo "The image's folder holds a link: a RUN step has put it there" >&2
  exit 1
fi`
