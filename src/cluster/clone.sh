# What the clone container runs (POSIX sh; busybox will do), in the folder that becomes the context:
#
#     sh -c SCRIPT clone URL ORIGIN REF SHA CONTEXT DOCKERFILE [OPTION...]
#
# It leaves the files of exactly that commit and no `.git`: the repository lives in $HOME meanwhile,
# because `COPY . .` would otherwise miss Kaniko's cache each time.
#
# By HTTP, the login comes from $GIT_USERNAME and $GIT_PASSWORD and is given to ORIGIN, the start of
# the URL, alone, whatever a server redirects to. By SSH, the key and the servers that may have it are
# files in $SSH_LOGIN, copied to $HOME/ssh, where $GIT_SSH_COMMAND looks for them.
#
# Options: `submodules`; `base=URL` and `alias=PREFIX`, by which submodules with such a URL are fetched
# the way that the repository is; `sparse=PATTERN`, the files that are wanted (each repeatable);
# `lfs`, by which the files have their content where git has a pointer of Git LFS, those of submodules too.
# A submodule on another host is fetched without any login, and by no protocol but HTTP and SSH.
#
# A fetch of the commit's id is one round trip and stays right after a force-push. Servers that do
# not allow it are asked for the ref, then for its whole history.
set -eu
umask 022
url=$1 origin=$2 ref=$3 sha=$4 context=$5 dockerfile=$6
shift 6

export GIT_DIR="$HOME/repository.git" GIT_WORK_TREE="$PWD"
export GIT_TERMINAL_PROMPT=0 GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL="$HOME/gitconfig"

setting() { git config --file "$GIT_CONFIG_GLOBAL" "$1" "$2"; }
setting core.hooksPath /dev/null
setting advice.detachedHead false
setting protocol.allow never
case $url in
  ssh:*) setting protocol.ssh.allow always ;;
  *)
    setting protocol.http.allow always
    setting protocol.https.allow always
    setting http.followRedirects initial
    ;;
esac

submodules='' sparse='' lfs='' base=''
for option; do
  case $option in
    submodules) submodules=yes ;;
    lfs) lfs=yes ;;
    sparse=*) sparse="$sparse${option#sparse=}
" ;;
    base=*) base=${option#base=} ;;
    alias=*) git config --file "$GIT_CONFIG_GLOBAL" --add "url.$base.insteadOf" "${option#alias=}" ;;
  esac
done
if [ "$submodules" ]; then setting protocol.https.allow always; fi

if [ -n "${GIT_PASSWORD:-}" ]; then
  # The login itself stays in the environment. One that was refused is not given again: git-lfs would ask
  # for ever.
  setting "credential.$origin.helper" '!login() { case $1 in
  erase) : >"$HOME/refused" ;;
  get) [ -e "$HOME/refused" ] || printf "username=%s\npassword=%s\n" "$GIT_USERNAME" "$GIT_PASSWORD" ;;
esac; }; login'
fi
if [ -n "${SSH_LOGIN:-}" ]; then
  mkdir -m 700 "$HOME/ssh"
  cp "$SSH_LOGIN/known_hosts" "$HOME/ssh/known_hosts"
  # Copies of a key often lack the line break at the end, without which OpenSSH takes none.
  (umask 077 && { tr -d '\r' <"$SSH_LOGIN/ssh-privatekey" && echo; } >"$HOME/ssh/key")
fi

if [ "$lfs" ]; then
  if ! git lfs version >/dev/null 2>&1; then
    echo "This image has no git-lfs" >&2
    exit 1
  fi
  # What git runs in each repository. Objects come from where that repository is, whatever its .lfsconfig says
  # of places; and no other place gets our login used by naming our forge in its answer.
  cat >"$HOME/lfs" <<'END'
place=$(git ls-remote --get-url origin)
case $place in "$origin"/*) ;; *) set -- -c credential.helper= ;; esac
case $place in http*) place=${place%/} place=${place%.git}.git/info/lfs ;; esac
exec git -c "lfs.url=$place" "$@" lfs filter-process
END
  export origin
  setting filter.lfs.process 'sh "$HOME/lfs"'
  setting filter.lfs.required true
  setting lfs.skipDownloadErrors false
  # It waits longer each time, and begins anew with each file; with the default of 8 for minutes.
  setting lfs.transfer.maxRetries 3
fi

format=sha1
if [ "${#sha}" -eq 64 ]; then format=sha256; fi
git init --quiet --template= --object-format="$format"

git config remote.origin.url "$url"

fetch() { git fetch --quiet --no-tags --no-recurse-submodules "$@"; }
from=$url
if [ "$sparse" ]; then
  # Files come with the checkout then. A server that cannot leave them out now sends all.
  from=origin
  git config remote.origin.promisor true
  git config remote.origin.partialclonefilter blob:none
  git config core.sparseCheckout true
  mkdir -p "$GIT_DIR/info"
  printf %s "$sparse" >"$GIT_DIR/info/sparse-checkout"
fi

echo "Cloning $url at $sha ($ref)"
if ! fetch --depth=1 -- "$from" "$sha"; then
  echo "The server did not give the commit by its id: fetching $ref"
  fetch --depth=1 -- "$from" "$ref"
  if ! git cat-file -e "$sha^{commit}" 2>/dev/null; then
    echo "The ref has moved on: fetching its history"
    fetch --unshallow -- "$from" "$ref"
  fi
fi

if ! git cat-file -e "$sha^{commit}"; then
  echo "Commit $sha is not on $ref: not our ref" >&2
  exit 1
fi
git checkout --quiet --force --detach "$sha"
head=$(git rev-parse --verify HEAD)
if [ "$head" != "$sha" ]; then
  echo "Checked out $head instead of $sha" >&2
  exit 1
fi

if [ "$submodules" ]; then
  update() { git submodule --quiet update --init --recursive "$@"; }
  if ! update --depth=1 2>"$HOME/said"; then
    cat "$HOME/said" >&2
    grep -q 'Direct fetching of that commit failed' "$HOME/said" || exit 1
    echo "The server did not give a submodule's commit by its id: fetching histories"
    git submodule --quiet deinit --force --all
    rm -rf "$GIT_DIR/modules"
    update
  fi
  rm -f "$HOME/said"
fi

# Kaniko follows links where it runs, and there are other files.
root=$(pwd -P)
stays_inside() {
  path=. rest=$2/
  while [ -n "$rest" ]; do
    path=$path/${rest%%/*} rest=${rest#*/}
    [ -L "$path" ] || continue
    case $(readlink -f "$path" || true)/ in
      "$root"/*) ;;
      *)
        echo "The $1 $2 leads out of the repository" >&2
        exit 1
        ;;
    esac
  done
}
stays_inside context "$context"
if ! [ -d "$context" ]; then
  echo "The context $context is not in the repository" >&2
  exit 1
fi
stays_inside Dockerfile "$dockerfile"
stays_inside 'ignore file' "$dockerfile.dockerignore"
stays_inside 'ignore file' "$context/.dockerignore"

if [ "$submodules" ]; then find . -name .git -prune -exec rm -rf {} +; fi
rm -rf "$GIT_DIR" "$GIT_CONFIG_GLOBAL" "$HOME/ssh" "$HOME/lfs"
report_context "$context" "$dockerfile"
