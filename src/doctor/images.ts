import { isHub } from '../registry/docker-login.ts'
import { createRegistry, type Access } from '../registry/push-access.ts'
import { fine, warning, type Remark } from '../remark.ts'
import { imagesOf, type Config } from '../settings/config.ts'
import { imageParts } from '../settings/image-reference.ts'
import type { BuildImages, RegistrySettings } from '../settings/settings.ts'
import type { Check } from './checks.ts'
import { about } from './finding.ts'

/** For each answer; a token and the question itself take up to three. */
const answerMs = 3_000

const readsOwnFiles = ({ entries }: Pick<Config, 'entries'>): boolean =>
  entries.some(({ refinable }) => refinable !== undefined)

/** The variables that name what the pods of builds run, as far as an image of kanihook.yaml wants it. */
const imageVariables = (
  settings: BuildImages,
  config: Pick<Config, 'entries' | 'uploads'>,
): readonly (readonly [variable: string, reference: string])[] => {
  const images = imagesOf(config)
  return [
    ['KANIKO_IMAGE', settings.kanikoImage],
    ['CLONE_IMAGE', settings.cloneImage],
    ...(images.some(({ scan }) => scan) ? ([['SCAN_IMAGE', settings.scanImage]] as const) : []),
    // A repository's own file may name several platforms.
    ...(images.some(({ publish }) => publish === 'apart') || readsOwnFiles(config)
      ? ([['PUBLISH_IMAGE', settings.publishImage]] as const)
      : []),
  ]
}

/**
 * One check for each image that builds run: is it pinned, and to what? The registry is asked as anybody.
 * Nodes may reach another one, by a mirror or with a login of their own, so one that does not answer here
 * is no fault.
 */
export function imageChecks(
  settings: BuildImages,
  config: Config = { entries: [], uploads: [], registries: [] },
): Check[] {
  const { registries } = config
  return imageVariables(settings, config).map(([variable, reference]) => ({
    area: 'image',
    subject: variable,
    run: async () => ({
      findings: about('image', variable)(await examine(variable, reference, registries)),
    }),
  }))
}

async function examine(
  variable: string,
  reference: string,
  registries: readonly RegistrySettings[],
): Promise<Remark> {
  const { registry: host, name, tag, digest } = imageParts(reference)
  const settings = registries.find((registry) => registry.host === host)
  const registry = createRegistry({
    host: isHub(host) ? 'registry-1.docker.io' : host,
    insecure: settings?.insecure ?? false,
    skipTlsVerify: settings?.skipTlsVerify ?? false,
    login: undefined,
    timeoutMs: answerMs,
  })
  const wanted = tag ?? digest ?? 'latest'
  const answer = await registry.digest(name, wanted)
  if (answer.kind !== 'digest') return unknown(answer, reference, digest, host)
  const pinned = `${variable}=${reference.split('@')[0]}@${answer.digest}`
  if (digest === undefined) {
    return fine(`${reference} is named by a tag, which can be moved; pinned by digest: ${pinned}`)
  }
  if (digest === answer.digest) return fine(`${reference} is pinned by digest`)
  return warning(
    `is pinned by digest, and its tag ${tag} stands for another image now`,
    `look at what changed, and set ${pinned}; or leave it`,
  )
}

function unknown(
  access: Access,
  reference: string,
  digest: string | undefined,
  host: string,
): Remark {
  const how = digest === undefined ? 'named by a tag, which can be moved' : 'pinned by digest'
  if (access.kind === 'no-repository') {
    return warning(
      `${host} has no image ${reference} for anybody (${access.said})`,
      'mend the name, unless nodes have it or a login for it',
    )
  }
  return fine(`${reference} is ${how}; ${host} cannot be asked for its digest: ${whyNot(access)}`)
}

const whyNot = (access: Access): string =>
  access.kind === 'unreachable'
    ? access.reason
    : 'said' in access
      ? access.said
      : 'it sends elsewhere'
