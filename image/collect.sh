#!/bin/sh
# Collects in a folder what kanihook needs of the system at run time: Node, git over https and ssh, tini, the
# libraries that both link to, certificates, and the user. usage: collect.sh FOLDER
set -eu
target=$1

# Copies a file to where it really is, for /lib and /bin are links to folders of /usr.
put() {
  install -D --mode="$(stat --format=%a "$(realpath "$1")")" "$1" \
    "$target$(realpath "$(dirname "$1")")/$(basename "$1")"
}

programs='/usr/local/bin/node /usr/bin/tini /usr/bin/git /usr/lib/git-core/git-remote-http /usr/bin/ssh'
libraries=$(for program in $programs; do ldd "$program"; done |
  sed -nE 's#.*(=> |^[[:space:]]+)(/[^ ]+) \(0x.*#\2#p' | sort -u)
files="$programs $libraries /etc/ssl/certs/ca-certificates.crt /usr/lib/os-release"
for file in $files; do put "$file"; done

# What a scanner for vulnerabilities reads, where there is no package manager.
mkdir -p "$target/var/lib/dpkg/status.d"
for file in $files; do dpkg-query --search "$(realpath "$file")" 2>/dev/null || true; done |
  cut -d: -f1 | sort -u | while read -r package; do
  dpkg-query --status "$package" >"$target/var/lib/dpkg/status.d/$package"
done

mkdir -p "$target/etc/kanihook" "$target/home/kanihook" "$target/usr/share/git-core/templates"
install -d --mode=1777 "$target/tmp"
for folder in bin lib lib64; do
  [ ! -d "$target/usr/$folder" ] || ln -s "usr/$folder" "$target/$folder"
done
ln -s ../usr/lib/os-release "$target/etc/os-release"
ln -s git-remote-http "$target/usr/lib/git-core/git-remote-https"
ln -s ../../bin/git "$target/usr/lib/git-core/git"
echo 'kanihook:x:65532:65532:kanihook:/home/kanihook:/usr/sbin/nologin' >"$target/etc/passwd"
echo 'kanihook:x:65532:' >"$target/etc/group"
install -D --mode=755 "$(dirname "$0")/kanihook" "$target/usr/local/bin/kanihook"
