/**
 * What the clone step runs after the clone (POSIX sh; busybox will do). Tekton mounts a folder at /workspace
 * in every step, and Kaniko leaves out of an image what lies under a mount: the image would lack it without
 * a word. $KANIHOOK_DOCKERFILE is the absolute path of the Dockerfile; comments in it do not count.
 */
export const workspaceCheck = `
if grep -Ev '^[[:space:]]*#' "$KANIHOOK_DOCKERFILE" 2>/dev/null |
  grep -Eq '(^|[^A-Za-z0-9_./-])/workspace([^A-Za-z0-9_.-]|$)'; then
  echo "The Dockerfile names /workspace, where Tekton mounts a folder of its own" >&2
  exit 1
fi
`
