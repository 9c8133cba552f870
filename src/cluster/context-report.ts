/** Where the kubelet takes a container's termination message from. */
export const terminationLog = '/dev/termination-log'

/**
 * A function of POSIX sh that tells the size of the context in the termination message, for
 * src/builds/facts.ts to read; `.dockerignore` is looked for where Kaniko does. It never fails a build.
 *
 *     report_context <context> <Dockerfile>     both below the working directory
 */
export const contextReport = `report_context() {
  [ -w ${terminationLog} ] || return 0
  kilobytes=$(du -sk "$PWD/$1" | cut -f 1) || return 0
  files=$(find "$PWD/$1" -type f | wc -l) || return 0
  ignore=no
  if [ -e "$PWD/$2.dockerignore" ] || [ -e "$PWD/$1/.dockerignore" ]; then ignore=yes; fi
  # A pointer of Git LFS is shorter than 1024 bytes.
  pointers=$(find "$PWD/$1" -type f -size -1025c -exec grep -l '^oid sha256:[0-9a-f]\\{64\\}$' {} + | wc -l) || return 0
  echo "context bytes=$((kilobytes * 1024)) files=$((files)) dockerignore=$ignore pointers=$((pointers))" >${terminationLog}
}`
