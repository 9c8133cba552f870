import { posix } from 'node:path'
import type { V1Container, V1PodSpec } from '@kubernetes/client-node'
import { literal } from './literal.ts'
import { ownFolder } from './paths.ts'

/** Where the executor is in the images that its makers publish. */
const executor = '/kaniko/executor'

const gate = `${ownFolder}/gate`
const cloned = `${gate}/cloned`

/** The exit code of a build that had nothing to wait for any more; the clone's own says why. */
const notCloned = 125

/** Tells the exit code of the clone as its last act, all at once. */
const tellScript = `
code=$?
echo "$code" >${gate}/.cloned && mv ${gate}/.cloned ${cloned}
exit "$code"
`

/** `$1` is the folder of the shell; what follows is for Kaniko, which takes the shell's place. */
const waitScript = `trap 'exit 143' TERM INT
until [ -e ${cloned} ]; do "$1/sleep" 0.05; done
read -r code <${cloned}
if [ "$code" != 0 ]; then exit ${notCloned}; fi
shift
exec ${executor} "$@"
`

/**
 * The same pod with its containers started together: an init container's end is seen by the kubelet up to a second later, and only
 * then is the next container made. Kaniko's waits for the clone to have ended, by a shell that is in its
 * image. A pod of more containers than these two stays as it is. Pure.
 */
export function startedTogether(spec: V1PodSpec, shell: string): V1PodSpec {
  const { initContainers: [clone, ...between] = [], containers } = spec
  const [build, ...others] = containers
  if (!clone || !build || between.length > 0 || others.length > 0) return spec
  const { initContainers: _, ...rest } = spec
  return {
    ...rest,
    containers: [telling(clone), waiting(build, posix.dirname(shell), shell)],
    volumes: [...(spec.volumes ?? []), { name: 'gate', emptyDir: {} }],
  }
}

/** A clone whose end the other container hears of. Its script runs as before, in a shell of its own. */
function telling(clone: V1Container): V1Container {
  const [sh = '', flag = '', script = '', ...rest] = clone.command ?? []
  return Object.assign({}, clone, {
    command: [sh, flag, `(\n${script})${literal(tellScript)}`, ...rest],
    volumeMounts: [...(clone.volumeMounts ?? []), { name: 'gate', mountPath: gate }],
  })
}

function waiting(build: V1Container, folder: string, shell: string): V1Container {
  return Object.assign({}, build, {
    command: [shell, '-c', literal(waitScript), 'build', folder],
    // The shell is no part of the image that is built.
    args: [...(build.args ?? []), `--ignore-path=${folder}`],
    volumeMounts: [
      ...(build.volumeMounts ?? []),
      { name: 'gate', mountPath: gate, readOnly: true },
    ],
  })
}
