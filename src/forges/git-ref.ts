/** What `git check-ref-format` refuses anywhere in a name: controls, space, and `~ ^ : ? * [ \`. */
const forbidden = /[\p{Cc} ~^:?*[\\]|\.\.|@\{|\/\/|\.$|\/$/u

const maxLength = 1024

const isComponent = (part: string) => !part.startsWith('.') && !part.endsWith('.lock')

/**
 * Whether a text is the full name of a branch or a tag that git itself would take
 * (https://git-scm.com/docs/git-check-ref-format), of at most 1024 characters. Stricter than git
 * with control characters beyond ASCII and with text that is not well-formed.
 */
export const isBranchOrTag = (ref: string): boolean =>
  ref.length <= maxLength &&
  /^refs\/(?:heads|tags)\/./u.test(ref) &&
  ref.isWellFormed() &&
  !forbidden.test(ref) &&
  ref.split('/').every(isComponent)
