# What the clone step of the Task runs (POSIX sh; busybox will do):
#
#     task-clone <clone.sh> <workspace-check.sh> <commit file> <flags file> <url> <revision> <context> <dockerfile>
#       <target> <destination>... -- <build argument>...
#
# It finds the commit of the revision, clones it as kanihook's own builds do, and leaves Kaniko's flags as a
# JSON list: Tekton puts no text before each item of a list.
set -eu
clone=$1 check=$2 commit=$3 flags=$4 url=$5 revision=$6 context=${7#/} dockerfile=${8#/} target=$9
shift 9

fail() {
  echo "$1" >&2
  exit 1
}

origin=$(printf '%s\n' "$url" | sed -n 's|^\(https\{0,1\}://[^/@]*\)/.*|\1|p')
[ -n "$origin" ] || fail "url: write an HTTP URL without a login"
for path in "$context" "$dockerfile"; do
  case "/$path/" in */../*) fail "a path leaves the repository: $path" ;; esac
done

if [ -f /kanihook/git/password ]; then
  GIT_USERNAME=$(cat /kanihook/git/username)
  GIT_PASSWORD=$(cat /kanihook/git/password)
  export GIT_USERNAME GIT_PASSWORD
fi

login='!login() { test "$1" = get && printf "username=%s\npassword=%s\n" "$GIT_USERNAME" "$GIT_PASSWORD"; }; login'
list() {
  set -- -c http.followRedirects=initial ls-remote -- "$url" "$@"
  if [ -n "${GIT_PASSWORD:-}" ]; then set -- -c "credential.$origin.helper=$login" "$@"; fi
  GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null git \
    -c protocol.allow=never -c protocol.http.allow=always -c protocol.https.allow=always "$@"
}

ref=HEAD sha=
if printf '%s\n' "$revision" | grep -Eqx '[0-9a-f]{40}|[0-9a-f]{64}'; then
  sha=$revision
elif [ -z "$revision" ]; then
  list HEAD > "$HOME/refs"
  while read -r id name; do if [ "$name" = HEAD ]; then sha=$id; fi; done < "$HOME/refs"
else
  list "refs/heads/$revision" "refs/tags/$revision" "refs/tags/$revision^{}" > "$HOME/refs"
  # As git does: a tag before a branch; and of an annotated tag the commit.
  for wanted in "refs/heads/$revision" "refs/tags/$revision" "refs/tags/$revision^{}"; do
    while read -r id name; do
      if [ "$name" = "$wanted" ]; then sha=$id ref=${wanted%^\{\}}; fi
    done < "$HOME/refs"
  done
fi
[ -n "$sha" ] || fail "revision: $url has no branch and no tag called ${revision:-HEAD}"

sh -c "$clone" clone "$url" "$origin" "$ref" "$sha" "$context" "$dockerfile"
KANIHOOK_DOCKERFILE=$PWD/$dockerfile sh -c "$check"
printf '%s' "$sha" > "$commit"

separator='['
flag() {
  case $1 in *[[:cntrl:]]*) fail "a parameter has a control character" ;; esac
  printf '%s"%s"' "$separator" "$(printf '%s' "$1" | sed 's/[\\"]/\\&/g')"
  separator=,
}
{
  flag "--context=dir://$PWD/$context"
  flag "--dockerfile=$PWD/$dockerfile"
  [ -z "$target" ] || flag "--target=$target"
  kind=destination
  for value; do
    if [ "$kind" = destination ] && [ "$value" = -- ]; then
      kind=build-arg
    else
      flag "--$kind=$value"
    fi
  done
  printf ']'
} > "$flags"
