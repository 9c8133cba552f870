import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import { buildPlan, imagePlan } from '../../test/support/samples.ts'
import { omittedLines } from './build-log.ts'
import type { ImagePlan } from './build.ts'
import { explainClone } from './clone-failures.ts'
import { explainBuild, explainPod } from './failures.ts'
import type { Failure } from './failure.ts'

const buildEnd = { exitCode: 1, reason: 'Error', message: '' }

const explained = (log: string, change: Partial<ImagePlan> = {}): Failure =>
  explainBuild(buildEnd, buildPlan({ plan: { ...imagePlan, ...change } }), log.split('\n'))

/** What Kaniko or git printed → what the person who pushed reads. */
const builds: [log: string, state: Failure['state'], retry: boolean, reason: string | RegExp][] = [
  [
    'Error: error resolving dockerfile path: please provide a valid path to a Dockerfile within the build context with --dockerfile\nUsage:\n  executor [flags]',
    'failed',
    false,
    'Dockerfile not found: Dockerfile',
  ],
  [
    'error building image: parsing dockerfile: dockerfile parse error on line 2: unknown instruction: FORM',
    'failed',
    false,
    'Dockerfile line 2: unknown instruction: FORM',
  ],
  [
    'error building image: "nope" is not a valid target build stage',
    'failed',
    false,
    'Target stage "nope" is not in the Dockerfile',
  ],
  [
    'error building image: error building stage: failed to get files used from context: failed to get fileinfo for /kanihook/context/missing.txt: lstat /kanihook/context/missing.txt: no such file or directory',
    'failed',
    false,
    'COPY source not found in the context: missing.txt',
  ],
  [
    'one\ntwo\nerror building image: error building stage: failed to execute command: waiting for process to exit: exit status 42',
    'failed',
    false,
    'RUN failed with exit code 42: one / two',
  ],
  [
    // Standard output may come after standard error, whichever was written first.
    'error building image: error building stage: failed to execute command: waiting for process to exit: exit status 3\none\ntwo',
    'failed',
    false,
    'RUN failed with exit code 3: one / two',
  ],
  [
    'error building image: error building stage: failed to execute command: starting command: fork/exec /bin/sh: exec format error',
    'failed',
    false,
    /another CPU architecture/,
  ],
  [
    'time="x" level=info msg="Retrieving image manifest registry.example.com/base:9"\nerror building image: unable to complete operation after 3 attempts, last error: GET https://registry.example.com/v2/base/manifests/9: MANIFEST_UNKNOWN: manifest unknown',
    'failed',
    false,
    'Base image registry.example.com/base:9 not found',
  ],
  [
    'time="x" level=info msg="Retrieving image manifest alpine"\nerror building image: unable to complete operation after 3 attempts, last error: GET https://index.docker.io/v2/library/alpine/manifests/latest: TOOMANYREQUESTS: rate limit',
    'error',
    true,
    /^Registry index\.docker\.io allows no more pulls now: put a login/,
  ],
  [
    'error checking push permissions -- make sure you entered the correct tag name, and that you are authenticated correctly, and try again: checking push permission for "registry.example.com/acme/app:main": POST https://registry.example.com/v2/acme/app/blobs/uploads/: UNAUTHORIZED: authentication required',
    'error',
    false,
    'Registry registry.example.com refused the login for push: check a Secret, and name it as pushSecret',
  ],
  [
    'error pushing image: failed to push to destination registry.example.com/acme/app:main: PUT https://registry.example.com/v2/acme/app/manifests/main: 503 Service Unavailable',
    'error',
    true,
    /^Push to registry\.example\.com\/acme\/app:main failed/,
  ],
  [
    'something nobody knows',
    'failed',
    false,
    'Build failed with exit code 1: something nobody knows',
  ],
]

for (const [log, state, retry, reason] of builds) {
  test(`Kaniko's "${log.slice(-60)}" reads as "${reason}"`, () => {
    const failure = explained(log)
    assert.deepEqual([failure.state, failure.retry], [state, retry], failure.reason)
    if (typeof reason === 'string') assert.equal(failure.reason, reason)
    else assert.match(failure.reason, reason)
  })
}

const lfsError = (said: string): string =>
  `Error downloading object: a b.bin (ed7002b): Smudge error: Error downloading a b.bin (${'e'.repeat(64)}): ${said}\nerror: external filter 'sh "$HOME/lfs"' failed\nfatal: a b.bin: smudge filter lfs failed`

const clones: [log: string, retry: boolean, reason: RegExp, state?: Failure['state']][] = [
  [
    "fatal: Authentication failed for 'https://git.example.com/acme/app.git/'",
    false,
    /Git login refused/,
  ],
  [
    'remote: Not found.\nfatal: repository ‘…’ not found',
    false,
    /Repository not found: git\.example\.com\/acme\/app/,
  ],
  [
    'The Dockerfile d/config.json leads out of the repository',
    false,
    /^The Dockerfile d\/config\.json is a link out of the repository$/,
    'failed',
  ],
  [
    'The context services/shop is not in the repository',
    false,
    /^Context not found: services\/shop$/,
    'failed',
  ],
  [
    "fatal: could not read Username for 'https://other.io': terminal prompts disabled\nfatal: clone of 'https://other.io/a/lib.git' into submodule path '/kanihook/context/libs/a' failed",
    false,
    /^Submodule libs\/a cannot be cloned from other\.io: does the login for git\.example\.com, the only one, see it\?$/,
    'failed',
  ],
  [
    "fatal: transport 'file' not allowed\nfatal: clone of '/etc' into submodule path '/kanihook/context/x' failed",
    false,
    /^A submodule has a URL of file, which is not fetched: use HTTPS or SSH$/,
    'failed',
  ],
  ['This image has no git-lfs', false, /^The clone image has no git-lfs: name one in CLONE_IMAGE/],
  [
    "fatal: unable to access 'https://…': SSL certificate problem: self-signed certificate",
    false,
    /^TLS certificate of git\.example\.com refused by the clone \(self-signed certificate\): name a CLONE_IMAGE that trusts it$/,
  ],
  [
    "fatal: unable to access 'https://…': server certificate verification failed. CAfile: none CRLfile: none",
    false,
    /^TLS certificate of git\.example\.com refused by the clone \(not trusted\)/,
  ],
  ['error: Server does not allow request for unadvertised object abc', false, /no longer in/],
  [
    "fatal: unable to access 'https://…': Could not resolve host: git.example.com",
    true,
    /Cannot clone from/,
  ],
]

/** What git-lfs says of a file → what the person who pushed reads. */
const lfsClones: [said: string, retry: boolean, reason: RegExp, state?: Failure['state']][] = [
  [
    '[…] Object does not exist: [404] Object does not exist',
    false,
    /^The Git LFS object of a b\.bin is not on git\.example\.com: push it \(git lfs push --all origin\)$/,
    'failed',
  ],
  [
    'LFS: Repository or object not found: https://git.example.com/acme/app.git/info/lfs/objects/1f2e',
    false,
    /^The Git LFS object of a b\.bin is not on git\.example\.com/,
    'failed',
  ],
  [
    'batch response: Repository or object not found: https://git.example.com/acme/app.git/info/lfs/objects/batch',
    false,
    /^No Git LFS for git\.example\.com\/acme\/app: is it on at the forge, and may the forge token read it\?$/,
  ],
  [
    'batch response: This repository exceeded its LFS budget. The account must pay.',
    false,
    /^The Git LFS quota of git\.example\.com\/acme\/app at the forge is used up: This repository exceeded its LFS budget/,
  ],
  [
    'batch response: Bandwidth limit exceeded: https://git.example.com/acme/app.git/info/lfs/objects/batch',
    false,
    /^The Git LFS quota of \S+ at the forge is used up: Bandwidth limit exceeded/,
  ],
  [
    'batch response: Git credentials for https://git.example.com/acme/app not found:',
    false,
    /^Git LFS login refused for git\.example\.com\/acme\/app: check the forge token and its repository access$/,
  ],
  [
    'LFS: Authorization error: https://git.example.com/acme/app.git/info/lfs/objects/batch',
    false,
    /^Git LFS login refused for git\.example\.com\/acme\/app/,
  ],
  [
    'Git credentials for https://objects.io/x not found.',
    false,
    /^Git LFS is sent to objects\.io, which wants a login: the login for git\.example\.com is given to nobody else$/,
  ],
  [
    'write /tmp/repository.git/lfs/tmp/x: no space left on device',
    false,
    /^The node has no disk space left for the clone$/,
  ],
  [
    'LFS: Server error: https://git.example.com/o/1 from HTTP 503',
    true,
    /^Git LFS cannot fetch a b\.bin: LFS: Server error/,
  ],
]

for (const [log, retry, reason, state = 'error'] of [
  ...clones,
  ...lfsClones.map(([said, ...rest]): (typeof clones)[number] => [lfsError(said), ...rest]),
]) {
  test(`git's "${log.slice(0, 50)}" reads as ${reason}`, () => {
    const failure = explainClone(
      { exitCode: 128, reason: 'Error', message: '' },
      buildPlan(),
      log.split('\n'),
    )
    assert.match(failure.reason, reason)
    assert.equal(failure.retry, retry)
    assert.equal(failure.state, state)
  })
}

test('a fetch that failed is not called a clone where the context was uploaded', () => {
  const { plan, ...rest } = buildPlan()
  const end = { exitCode: 5, reason: 'Error', message: '' }
  const said = (upload?: { id: string; bytes: number }): string =>
    explainClone(end, { ...rest, plan: { ...plan, ...(upload && { upload }) } }, ['odd']).reason
  assert.equal(said({ id: 'a', bytes: 1 }), 'Fetching the upload failed with exit code 5: odd')
  assert.equal(said(), 'Clone failed with exit code 5: odd')
})

test('a RUN step that itself exits with 137 is not called out of memory', () => {
  const log = [
    'error building image: failed to execute command: waiting for process to exit: exit status 137',
  ]
  const failure = explainBuild({ exitCode: 137, reason: 'Error', message: '' }, buildPlan(), log)
  assert.equal(failure.reason, 'RUN failed with exit code 137')
})

test('a full disk of the pod is the author’s, a lost node is tried again', () => {
  const evicted = 'Pod ephemeral local storage usage exceeds the total limit of containers 1Gi.'
  const full = explainPod({ reason: 'Evicted', message: evicted }, buildPlan())
  assert.deepEqual([full.state, full.retry], ['failed', false])
  const lost = explainPod({ reason: 'NodeLost', message: '' }, buildPlan())
  assert.equal(lost.retry, true)
})

test('what a RUN step prints is no sign of what Kaniko met', () => {
  const failure = explained(
    'checking push permission for "x": 429 TOOMANYREQUESTS\nerror building image: failed to execute command: waiting for process to exit: exit status 1',
  )
  assert.deepEqual([failure.state, failure.retry], ['failed', false])
  assert.match(failure.reason, /^RUN failed with exit code 1/)
})

/** What registries say of a tag that cannot be moved, each in its own words. */
const immutable = [
  "TAG_INVALID: The image tag 'v1' already exists in the 'acme/app' repository and cannot be overwritten because the tag is immutable.",
  'MANIFEST_INVALID: cannot update tag v1. The repository has enabled tag immutability',
  "unexpected status code 412 Precondition Failed: Failed to process request due to 'app:v1' configured as immutable.",
  'UNKNOWN: tag=v1 cannot be overwritten because r.io/acme/app is an immutable repository',
  'DENIED: The requested tag already exists and cannot be overwritten.',
  'DENIED: The operation is disallowed on this registry, repository or image.',
]

for (const words of immutable) {
  test(`an immutable tag: ${words}`, () => {
    const put = `PUT https://r.io/v2/acme/app/manifests/v1: ${words}`
    assert.deepEqual(
      explained(`error pushing image: failed to push to destination r.io/acme/app:v1: ${put}`),
      {
        state: 'error',
        retry: false,
        reason:
          'Tag r.io/acme/app:v1 exists and is immutable: use tags that are new for each commit, such as {shortSha}',
      },
    )
  })
}

test('a crash of Kaniko is told as such, and what reproducible has to do with it', () => {
  const crash = [
    'time="x" level=info msg="RUN true"',
    'panic: runtime error: index out of range [2] with length 2',
    'goroutine 1 [running, locked to thread]:',
    'github.com/google/go-containerregistry/pkg/v1/mutate.Time({0x23d5b40, 0x10134fbbc600})',
    '\tgithub.com/GoogleContainerTools/kaniko@v1.24.0/cmd/executor/main.go:31 +0x5b',
  ].join('\n')
  assert.deepEqual(explained(crash), {
    state: 'error',
    retry: false,
    reason: 'Kaniko crashed: panic: runtime error: index out of range [2] with length 2',
  })
  assert.match(explained(crash, { reproducible: true }).reason, /^reproducible needs a base image/)
})

describe('the RUN step that failed is named', () => {
  const error =
    'error building image: error building stage: failed to execute command: waiting for process to exit: exit status 2'
  const info = (message: string): string =>
    `time="x" level=info msg="${message.replaceAll('"', '\\"')}"`
  const run = (...lines: string[]): string => explained([...lines, error].join('\n')).reason

  it('by the command that Kaniko began last, in each of its formats', () => {
    const formats = {
      text: (message: string) => info(message),
      json: (message: string) => `{"level":"info","msg":"${message}","time":"x"}`,
      color: (message: string) => `\x1b[36mINFO\x1b[0m[0003] ${message.padEnd(44)} `,
    }
    for (const [format, line] of Object.entries(formats)) {
      const said = run(line('RUN npm ci'), 'added 3', line('RUN make test'), 'no such test')
      assert.equal(said, 'RUN make test failed with exit code 2: added 3 / no such test', format)
    }
  })

  it('on one line, and not at length', () => {
    const said = run(info(`RUN apt-get update &&\\n    apt-get install -y ${'x'.repeat(80)}`))
    assert.equal(
      said,
      'RUN apt-get update && apt-get install -y xxxxxxxxxxxx… failed with exit code 2',
    )
  })

  it('unless its line was left out of a long log, or is a RUN step’s own', () => {
    assert.equal(run(info('RUN npm ci'), omittedLines), 'RUN failed with exit code 2')
    assert.equal(run('RUN npm ci'), 'RUN failed with exit code 2: RUN npm ci')
  })
})

const hub = { destinations: ['docker.io/acme/app:main'], pushSecret: 'hub' }
const pushCheck = (answer: string): string =>
  `error checking push permissions -- make sure: checking push permission for "index.docker.io/acme/app:main": POST https://index.docker.io/v2/acme/app/blobs/uploads/: ${answer}`

test('a refused push to Docker Hub tells the one key under which its login is looked for', () => {
  assert.equal(
    explained(pushCheck('UNAUTHORIZED: authentication required'), hub).reason,
    'Registry docker.io refused the login for push: check Secret hub (its key for Docker Hub is https://index.docker.io/v1/)',
  )
  assert.equal(
    explained(pushCheck('DENIED: requested access to the resource is denied'), hub).reason,
    'Push to index.docker.io/acme/app:main denied: is a login that may write there in Secret hub (its key for Docker Hub is https://index.docker.io/v1/)?',
  )
})

test('a repository whose name has the number of a passing trouble in it is no such trouble', () => {
  const log = `error checking push permissions: checking push permission for "r.io/app-429a:1": POST https://r.io/v2/app-429a/blobs/uploads/: UNAUTHORIZED: x`
  assert.equal(explained(log).retry, false)
})

test('a RUN step that panics itself is a RUN step that failed', () => {
  const log =
    'panic: mine\nerror building image: failed to execute command: waiting for process to exit: exit status 2'
  assert.match(explained(log).reason, /^RUN failed with exit code 2: panic: mine$/)
})

test('a RUN step of another architecture, where crossBuild was promised to have none, says so', () => {
  const { state, reason, retry } = explained(
    'error building image: error building stage: failed to execute command: starting command: fork/exec /bin/sh: exec format error',
    { platform: 'linux/arm64', crossBuild: true },
  )
  assert.deepEqual(
    { state, retry, reason },
    {
      state: 'failed',
      retry: false,
      reason:
        'RUN needs a node of linux/arm64: crossBuild is for Dockerfiles that run no program of the platform',
    },
  )
})
