set -eu
umask 022
url=$1 origin=$2 ref=$3 sha=$4 context=$5 dockerfile=$6

report_context() {
  [ -w /dev/termination-log ] || return 0
  kilobytes=$(du -sk "$PWD/$1" | cut -f 1) || return 0
  files=$(find "$PWD/$1" -type f | wc -l) || return 0
  ignore=no
  if [ -e "$PWD/$2.dockerignore" ] || [ -e "$PWD/$1/.dockerignore" ]; then ignore=yes; fi
  echo "context bytes=$((kilobytes * 1024)) files=$((files)) dockerignore=$ignore" >/dev/termination-log
}

export GIT_DIR="$HOME/repository.git" GIT_WORK_TREE="$PWD"
export GIT_TERMINAL_PROMPT=0 GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null

login='!login() { test "$1" = get && printf "username=%s\npassword=%s\n" "$GIT_USERNAME" "$GIT_PASSWORD"; }; login'
fetch() {
  set -- -c http.followRedirects=initial fetch --quiet --no-tags --no-recurse-submodules "$@"
  if [ -n "${GIT_PASSWORD:-}" ]; then
    set -- -c "credential.$origin.helper=$login" "$@"
  fi
  git -c protocol.allow=never -c protocol.http.allow=always -c protocol.https.allow=always "$@"
}

format=sha1
if [ "${#sha}" -eq 64 ]; then format=sha256; fi
git init --quiet --template= --object-format="$format"

echo "Cloning $url at $sha ($ref)"
if ! fetch --depth=1 -- "$url" "$sha"; then
  echo "The server did not give the commit by its id: fetching $ref"
  fetch --depth=1 -- "$url" "$ref"
  if ! git cat-file -e "$sha^{commit}" 2>/dev/null; then
    echo "The ref has moved on: fetching its history"
    fetch --unshallow -- "$url" "$ref"
  fi
fi

if ! git -c core.hooksPath=/dev/null -c advice.detachedHead=false checkout --quiet --force --detach "$sha"; then
  echo "Commit $sha is not on $ref: not our ref" >&2
  exit 1
fi
head=$(git rev-parse --verify HEAD)
if [ "$head" != "$sha" ]; then
  echo "Checked out $head instead of $sha" >&2
  exit 1
fi
rm -rf "$GIT_DIR"
report_context "$context" "$dockerfile"
