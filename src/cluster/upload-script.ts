/**
 * What the clone container runs where the source was uploaded (POSIX sh; busybox will do), in the folder that
 * becomes the context:
 *
 *     sh -c uploadScript upload <url> <name of the file> <sha256>
 *
 * It leaves the archive, whole and unchanged, as a file of that name. The token is in $UPLOAD_TOKEN and becomes an
 * argument within this container alone, where nothing else runs. kanihook answers 404 where it has no such archive
 * (any more); it may also be gone itself, so a connection is tried for some seconds and no longer.
 */
export const uploadScript = `set -eu
umask 022
url=$1 archive=$2 sha=$3
said="$HOME/said"

get() {
  if command -v wget >/dev/null; then
    wget -O "$archive" --header "Authorization: Bearer $UPLOAD_TOKEN" "$url"
  elif command -v curl >/dev/null; then
    curl -fsS --connect-timeout 15 --speed-time 30 --speed-limit 1 \
      -H "Authorization: Bearer $UPLOAD_TOKEN" -o "$archive" "$url"
  else
    echo "This image has neither wget nor curl" >&3
    exit 1
  fi
}

exec 3>&2
echo "Fetching the upload from $url"
began=$(date +%s)
until get >/dev/null 2>"$said"; do
  if grep -Eq '(error: |HTTP/1\\.[01] |ERROR )404' "$said"; then
    echo "The upload is gone" >&2
    exit 1
  fi
  tail -n 2 "$said" >&2
  if grep -q 'No space left on device' "$said"; then
    exit 1
  fi
  if [ $(($(date +%s) - began)) -ge 8 ]; then
    echo "The upload cannot be fetched from $url" >&2
    exit 1
  fi
  sleep 2
done

sum=$(sha256sum "$archive")
if [ "\${sum%% *}" != "$sha" ]; then
  echo "What came is not the archive that was uploaded" >&2
  exit 1
fi
`
