import { imagesAt, withTagsOf, type ImagesAt } from '../../builds/own-file.ts'
import { isPullRequest, type Repository } from '../../builds/push-event.ts'
import { jobSettings } from '../../cluster/job-manifest.ts'
import { PermanentError, RetryLater } from '../../errors.ts'
import type { ForgeClient } from '../../forges/forge.ts'
import { forges } from '../../forges/index.ts'
import { createCloneLogins } from '../../cluster/clone-login.ts'
import { loadKubeConfig } from '../../cluster/kube-config.ts'
import { sourceOf } from '../../forges/clients.ts'
import { createGitRemote } from '../../git/git-remote.ts'
import { parseConfig } from '../../settings/config-file.ts'
import { readEnvironment } from '../../settings/environment.ts'
import { readConfigText } from '../../settings/live-rules.ts'
import { createRules } from '../../settings/rules.ts'
import type { Settings } from '../../settings/settings.ts'
import { oneOf, readArguments } from '../arguments.ts'
import { CommandFailed, UsageError, type Command } from '../command.ts'
import { oneLine } from '../words.ts'
import { isBuilt, toJson, type PlanAnswer } from './answer.ts'
import { decide, unwantedRef } from './decide.ts'
import { findRefs, isCommit, pullRequestRefs } from './find-refs.ts'
import { buildObjects } from './objects.ts'
import { toText } from './text.ts'
import { toYaml } from './yaml.ts'

const outputs = ['text', 'yaml', 'json'] as const

export const plan: Command = {
  help: `kanihook plan REPOSITORY REF [-o text|yaml|json]: say what a push of REF would build, and why

  REPOSITORY  host/path, as kanihook.yaml matches it: github.com/acme/shop
  REF         a branch, a tag, a pull request (pr:12), or the commit that one points at
  --output, -o FORMAT
              text (the default); yaml: the very objects that kanihook would create, with the reasons
              as comments, for kubectl create -f -; json: reasons and objects, for programs

Settings are those of a worker: the environment and kanihook.yaml. Git is asked what REF points at, and for
the repository's own .kanihook.yaml there, with the forge's login or that of the entry's cloneSecret, for
which alone the cluster is asked. Redis is not asked, and nothing is changed. Exits with 0 where something
would be built, 1 where nothing would.`,

  async run(args, { env, print }) {
    const { values, positionals } = readArguments(
      args,
      { output: { type: 'string', short: 'o', default: 'text' } },
      ['REPOSITORY', 'REF'],
    )
    const output = oneOf('--output', outputs, values.output)
    const [name = '', ref = ''] = positionals
    const settings = readEnvironment(
      { ...env, KANIHOOK_ROLES: 'worker', KANIHOOK_ROLES_FILE: undefined },
      { forges },
    )
    const answer = await answerOf(name, ref, settings)
    if (output === 'json') print(JSON.stringify(toJson(answer)))
    else print(output === 'yaml' ? toYaml(answer) : toText(answer).join('\n'))
    return isBuilt(answer) ? 0 : 1
  },
}

async function answerOf(name: string, wanted: string, settings: Settings): Promise<PlanAnswer> {
  const { configFile } = settings
  const config = parseConfig(await readConfigText(configFile), configFile)
  const { repository, forge, client } = find(name, settings)
  const rule = createRules(config).find(repository)
  const entry = config.entries.find(({ match }) => match === rule?.match)
  const nothing = (reason: string): PlanAnswer => ({
    repository: name,
    entry: rule?.match,
    nothing: reason,
    refs: [],
  })
  if (!rule || !entry) return nothing(`No entry of ${configFile} matches ${name}`)

  const { cloneSecret } = rule
  const source = sourceOf(new Map([[forge, client]]), (secret, namespace) =>
    createCloneLogins({ kubeConfig: loadKubeConfig(), namespace: settings.buildNamespace })(
      secret,
      namespace,
    ),
  )
  const access = await orFail(() => source.access(repository, cloneSecret, rule.namespace))
  const git = createGitRemote({ access: async () => access, secretOf: () => cloneSecret })
  const remote = await orFail(() => git.refs(repository, pullRequestRefs(wanted)))
  const found = findRefs(wanted, remote)
  if (found.length === 0) return nothing(`${name} has no ${nameless(wanted)}: nothing is built`)

  const ofJobs = jobSettings(settings, config.registries)
  const situation = { repository, entry, rule, remote, now: Date.now() }
  const built = found.filter((each) => unwantedRef(each, situation) === undefined)
  // Many refs may point at one commit.
  const imagesOf = new Map<string, ImagesAt>()
  for (const commit of new Set(built.map(({ head }) => head.commit))) {
    imagesOf.set(commit, await orFail(() => imagesAt(rule, git, repository, commit)))
  }
  return {
    repository: name,
    entry: rule.match,
    nothing: undefined,
    refs: found.map((each) => {
      const here = imagesOf.get(each.head.commit) ?? rule
      const at = isPullRequest(each.ref) ? withTagsOf(rule, here) : here
      const { images, ...decision } = decide(each, at, situation)
      const withObjects = images.map((image) => {
        const { build } = image
        const objects = build ? buildObjects(build, access, ofJobs) : []
        return { ...image, objects }
      })
      return { ...decision, images: withObjects }
    }),
  }
}

const nameless = (wanted: string): string =>
  isCommit(wanted)
    ? `branch or tag ${wanted}, and none that points at such a commit`
    : `${pullRequestRefs(wanted).length > 0 ? 'pull request' : 'branch or tag'} ${oneLine(wanted)}`

/** The repository of this name at the forge that is there. */
function find(
  name: string,
  settings: Settings,
): { repository: Repository; forge: string; client: ForgeClient } {
  const [host = '', ...rest] = name.split('/')
  const path = rest.join('/')
  if (!/^[^/:]+(:\d+)?$/.test(host) || rest.length < 2 || rest.some((part) => !isPart(part))) {
    throw new UsageError(
      'REPOSITORY must be host/path as kanihook.yaml matches it, such as github.com/acme/shop',
    )
  }
  const hosts: string[] = []
  for (const driver of forges) {
    const forge = settings.forges.get(driver.name)
    if (!forge) continue
    const its = new URL(forge.url).host
    if (its === host.toLowerCase()) {
      const repository = { forge: driver.name, id: '', host: its, path }
      return { repository, forge: driver.name, client: driver.client(forge) }
    }
    hosts.push(its)
  }
  throw new CommandFailed(
    `no forge is configured at ${host}: there is ${hosts.join(', ')} (set its _URL, _WEBHOOK_SECRETS and _TOKEN)`,
  )
}

/** A part of a path that is no way out of it. */
const isPart = (part: string): boolean => /^[^\s\p{Cc}\\]+$/u.test(part) && !/^\.{1,2}$/.test(part)

async function orFail<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof PermanentError || error instanceof RetryLater) {
      throw new CommandFailed(oneLine(error.message), { cause: error })
    }
    throw error
  }
}
