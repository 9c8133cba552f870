
if grep -Ev '^[[:space:]]*#' "$KANIHOOK_DOCKERFILE" 2>/dev/null |
  grep -Eq '(^|[^A-Za-z0-9_./-])/workspace([^A-Za-z0-9_.-]|$)'; then
  echo "The Dockerfile names /workspace, where Tekton mounts a folder of its own" >&2
  exit 1
fi
