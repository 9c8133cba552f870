import type { BuildPlan } from './build.ts'
import { loginOf, nameOf, where } from './clone-names.ts'
import { author, operator, passing, type Failure } from './failure.ts'
import { explain, type Sign } from './failures.ts'
import { lfsSigns } from './lfs-failures.ts'
import { readLine } from './log-reading.ts'
import type { ContainerEnd } from './ports.ts'
import type { Repository } from './push-event.ts'
import { uploadGone } from './upload.ts'

/** What was asked of git by SSH, and by the login of which Secret. */
export interface SshQuestion {
  readonly repository: Repository
  readonly secret: string | undefined
}

interface SshSign {
  readonly pattern: RegExp
  readonly explain: (question: SshQuestion, match: RegExpExecArray) => Failure
}

/** What OpenSSH says where no further try can help. The first sign that fits decides. */
const sshSigns: readonly SshSign[] = [
  {
    pattern: /host key for (\S+) has changed/i,
    explain: ({ secret }, match) =>
      operator(
        `Host key of ${match[1]} is not the one in Secret ${secret}: attack or new key? Compare fingerprints, then renew its known_hosts`,
      ),
  },
  {
    pattern: /No \S+ host key is known for (\S+)|Host key verification failed/,
    explain: ({ repository, secret }, match) =>
      operator(
        `Host key of ${match[1] ?? repository.host} is not in Secret ${secret}: add the output of ssh-keyscan to its known_hosts, after comparing fingerprints`,
      ),
  },
  {
    pattern: /^Load key "[^"]*": (?!Permission denied)/m,
    explain: ({ secret }) =>
      operator(
        `The key in Secret ${secret} cannot be used: it must be a private key without a passphrase`,
      ),
  },
  {
    pattern: /Permission denied \(/,
    explain: ({ repository, secret }) =>
      operator(
        `Git login refused for ${nameOf(repository)}: is the public key of Secret ${secret} a deploy key there?`,
      ),
  },
]

/** Why git over SSH failed for good, or undefined where it is something else. */
export const explainSsh = (said: string, question: SshQuestion): string | undefined =>
  sshSigns
    .flatMap(({ pattern, explain: say }) => {
      const match = pattern.exec(said)
      return match ? [say(question, match).reason] : []
    })
    .at(0)

/** What git prints in the clone container. The first sign that fits decides. */
const cloneSigns: readonly Sign[] = [
  {
    pattern: /^The (context|Dockerfile|ignore file) (.+) leads out of the repository$/m,
    explain: (match) => author(`The ${match[1]} ${match[2]} is a link out of the repository`),
  },
  {
    pattern: /^The context (.+) is not in the repository$/m,
    explain: (match) => author(`Context not found: ${match[1]}`),
  },
  ...lfsSigns,
  {
    pattern: /transport '([^']+)' not allowed/,
    explain: (match) =>
      author(`A submodule has a URL of ${match[1]}, which is not fetched: use HTTPS or SSH`),
  },
  {
    pattern:
      /clone of '(?:[a-z]+:\/\/)?(?:[^@/']+@)?([^/':]+)[^']*' into submodule path '(?:\/kanihook\/context\/)?([^']+)' failed/,
    explain: (match, { repository: { host } }) =>
      author(
        `Submodule ${match[2]} cannot be cloned from ${match[1]}: does the login for ${host}, the only one, see it?`,
      ),
  },
  {
    pattern: /The Dockerfile names \/workspace, where Tekton mounts/,
    explain: () =>
      author(
        'The Dockerfile uses /workspace, which is Tekton’s: take another folder, or backend: job',
      ),
  },
  ...sshSigns.map(({ pattern, explain: say }) => ({
    pattern,
    explain: (match: RegExpExecArray, { repository, plan }: BuildPlan) =>
      say({ repository, secret: plan.cloneSecret }, match),
  })),
  {
    pattern: /\bssh: (?:command )?not found|cannot run ssh\b/,
    explain: () =>
      operator('The clone image has no ssh: name one in CLONE_IMAGE that has git and ssh'),
  },
  {
    pattern:
      /Authentication failed|could not read (Username|Password)|HTTP Basic: Access denied|error: 40[13]\b/,
    explain: (_, build) =>
      operator(
        `Git login refused for ${where(build)}: check ${loginOf(build)} and its repository access`,
      ),
  },
  {
    // The second half is what forges say by SSH.
    pattern:
      /[Rr]epository .*not found|error: 404\b|does not appear to be a git repository|Cannot find repository|project you were looking for could not be found/,
    explain: (_, build) =>
      operator(`Repository not found: ${where(build)} (or ${loginOf(build)} has no access to it)`),
  },
  {
    pattern:
      /not our ref|couldn't find remote ref|unadvertised object|exact SHA1|reference is not a tree/,
    explain: (_, build) =>
      operator(
        `Commit ${build.sha.slice(0, 12)} is no longer in ${where(build)} (was it force-pushed away?)`,
      ),
  },
  {
    pattern: /No space left on device/,
    explain: () => operator('The node has no disk space left for the clone'),
  },
  {
    // By OpenSSL, and by GnuTLS.
    pattern: /SSL certificate problem: ([^\n]*)|server certificate verification failed/,
    explain: (match, { repository: { host } }) =>
      operator(
        `TLS certificate of ${host} refused by the clone (${match[1] ?? 'not trusted'}): name a CLONE_IMAGE that trusts it`,
      ),
  },
  {
    pattern:
      /Could not resolve host|Connection (refused|reset|closed|timed out)|Failed to connect|early EOF|error: (5\d\d|429)\b|timed out|TLS|SSL/,
    explain: (match, build) => passing(`Cannot clone from ${build.repository.host}: ${match[0]}`),
  },
]

/** What upload-script.ts in src/cluster prints, and the programs that it runs. */
const uploadSigns: readonly Sign[] = [
  { pattern: /^The upload is gone$/m, explain: () => operator(uploadGone) },
  {
    pattern: /^The upload cannot be fetched from https?:\/\/([^/\s]+)/m,
    explain: ([, holder]) =>
      operator(
        `Cannot reach the process of kanihook that held the upload (${holder}): upload it again, or see UPLOADS_URL`,
      ),
  },
  {
    pattern: /^This image has neither wget nor curl/m,
    explain: () => operator('CLONE_IMAGE has neither wget nor curl, which fetch an upload'),
  },
  {
    pattern: /No space left on device/,
    explain: () => operator('The node has no disk space left for the upload'),
  },
]

/** Explains the end of the clone container by its log (oldest line first). */
export const explainClone = (
  end: ContainerEnd,
  build: BuildPlan,
  log: readonly string[],
): Failure =>
  explain(build.plan.upload ? uploadSigns : cloneSigns, build, log.map(readLine)) ??
  passing(
    `${build.plan.upload ? 'Fetching the upload' : 'Clone'} failed with exit code ${end.exitCode}${log.length > 0 ? `: ${log.at(-1)}` : ''}`,
  )
