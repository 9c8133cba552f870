import { loginOf, where } from './clone-names.ts'
import { author, operator, passing } from './failure.ts'
import type { Sign } from './failures.ts'

/** What git-lfs says of a file, with the end of it; the first group is the file. */
const ofFile = (end: string): RegExp =>
  new RegExp(
    String.raw`^Error downloading object: (.+?) \([0-9a-f]+\): (?:Smudge error: )?(?:Error downloading .+? \([0-9a-f]{64}\): )?(?:batch response: )?${end}`,
    'm',
  )

/** What git-lfs prints in the clone container. The first sign that fits decides. */
export const lfsSigns: readonly Sign[] = [
  {
    pattern: /^This image has no git-lfs$/m,
    explain: () =>
      operator('The clone image has no git-lfs: name one in CLONE_IMAGE that has git and git-lfs'),
  },
  {
    pattern: ofFile('[^\n]*no space left on device'),
    explain: () => operator('The node has no disk space left for the clone'),
  },
  {
    pattern: ofFile(
      String.raw`[^\n]*(?:\[404\]|Repository or object not found: (?!\S+/objects/batch$))`,
    ),
    explain: ([, path], { repository: { host } }) =>
      author(
        `The Git LFS object of ${path} is not on ${host}: push it (git lfs push --all origin)`,
      ),
  },
  {
    pattern: ofFile('[^\n]*Repository or object not found'),
    explain: (_, build) =>
      operator(
        `No Git LFS for ${where(build)}: is it on at the forge, and may ${loginOf(build)} read it?`,
      ),
  },
  {
    pattern: ofFile(
      String.raw`([^\n]*(?:\bquota\b|\bbudget\b|Bandwidth limit|Insufficient server storage)[^\n]*)`,
    ),
    explain: ([, , said], build) =>
      operator(`The Git LFS quota of ${where(build)} at the forge is used up: ${said}`),
  },
  {
    pattern: ofFile(
      String.raw`[^\n]*(?:Git credentials for (?:https?://)?([^/\s]+)\S* not found|Authentication required|Authorization error|HTTP 40[13]\b)`,
    ),
    explain: ([, , host], build) =>
      host === undefined || host === build.repository.host
        ? operator(
            `Git LFS login refused for ${where(build)}: check ${loginOf(build)} and its repository access`,
          )
        : operator(
            `Git LFS is sent to ${host}, which wants a login: the login for ${build.repository.host} is given to nobody else`,
          ),
  },
  {
    pattern: ofFile(String.raw`([^\n]*)`),
    explain: ([, path, said]) => passing(`Git LFS cannot fetch ${path}: ${said}`),
  },
]
