import { createPrivateKey } from 'node:crypto'
import { durationHint, formatDuration, parseDuration } from './duration.ts'
import { imageFault } from './image-reference.ts'
import { parseQuantity } from './quantity.ts'
import type { Parser } from './variables.ts'

/** Parsers of variables. None repeats what it was given: it may be a secret in the wrong place. */
export const integer =
  (least: number, most: number): Parser<number> =>
  (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new Error(`must be a whole number from ${least} to ${most}`)
    }
    return value
  }

export const port = integer(0, 65_535)

export const oneOf =
  <const T extends string>(allowed: readonly T[]): Parser<T> =>
  (text) => {
    const found = allowed.find((each) => each === text)
    if (found === undefined) throw new Error(`must be one of ${allowed.join(', ')}`)
    return found
  }

export const someOf =
  <const T extends string>(allowed: readonly T[]): Parser<readonly T[]> =>
  (text) => {
    const words = new Set(text.split(',').map((word) => word.trim()))
    const found = allowed.filter((each) => words.has(each))
    if (found.length !== words.size) {
      throw new Error(`must be one or more of ${allowed.join(', ')}, joined by commas`)
    }
    return found
  }

/** Bytes, as Kubernetes writes quantities. */
export const size: Parser<number> = (text) => {
  const bytes = parseQuantity(text)
  if (bytes === undefined || bytes < 1) throw new Error('must be a size (write e.g. 512Mi or 2Gi)')
  return Math.floor(bytes)
}

/** More than nothing and at most `most` milliseconds. */
export const duration =
  (most = Infinity): Parser<number> =>
  (text) => {
    const ms = parseDuration(text)
    if (ms === undefined) throw new Error(`must be a duration (${durationHint})`)
    if (ms === 0) throw new Error('must be more than nothing')
    if (ms > most) throw new Error(`must be at most ${formatDuration(most)}`)
    return ms
  }

/** A duration, or 0 for `off`. */
export const durationOrOff: Parser<number> = (text) =>
  /^(off|0[smhd]?)$/.test(text) ? 0 : duration()(text)

/** An http or https URL without login, query and fragment; returned without a slash at its end. */
export const webUrl: Parser<string> = (text) => {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new Error('must be a URL that starts with https:// (or http://)')
  }
  if (url.username || url.password)
    throw new Error('must hold no login (leave out what is before the @)')
  if (/[?#]/.test(text)) throw new Error('must hold no ? and no #')
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}

/** `ssh://user@host[:port]`; returned without a slash at its end. */
export const sshUrl: Parser<string> = (text) => {
  // The user and the host become words of a command: nothing in them may read as an option.
  if (
    !/^ssh:\/\/[a-z0-9_][\w.-]*@([a-z0-9][a-z0-9.-]*|\[[0-9a-f:.]+\])(:\d{1,5})?\/?$/i.test(text)
  ) {
    throw new Error('must be a URL such as ssh://git@git.acme.io:2222, without a path')
  }
  return text.replace(/\/$/, '')
}

export const redisUrl: Parser<string> = (text) => {
  const url = URL.parse(text)
  if (!url || !/^rediss?:$/.test(url.protocol) || !url.hostname) {
    throw new Error('must be a URL such as redis://host:6379 (rediss:// for TLS)')
  }
  return text
}

export const image: Parser<string> = (text) => {
  const fault = imageFault(text)
  if (fault) throw new Error(fault)
  return text
}

/** A name of RFC 1123, as Kubernetes wants that of a namespace. */
export const dnsLabel: Parser<string> = (text) => {
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text)) {
    throw new Error(
      'must be at most 63 lower-case letters, digits and -, with none of these at an end',
    )
  }
  return text
}

/** Something that goes into a header or an address: no space, no control character. */
export const word: Parser<string> = (text) => {
  if (!/^[\u0021-\u007e]+$/.test(text))
    throw new Error('must hold no space, line break or other such character')
  return text
}

export const path: Parser<string> = (text) => {
  if (text.includes('\0')) throw new Error('must hold no NUL character')
  return text
}

/** A shell in a folder of its own, which Kaniko can leave out of the images that it builds. */
export const shellPath: Parser<string> = (text) => {
  const [, folder = ''] = /^(\/[a-z0-9][a-z0-9._-]*)\/[a-z]+$/.exec(text) ?? []
  if (folder === '' || /^\/(bin|sbin|usr|lib|etc|dev|proc|sys|tmp|var|root|kaniko)$/.test(folder)) {
    throw new Error('must be the path of a shell in a folder of its own, such as /busybox/sh')
  }
  return text
}

/** A private key in PEM. Line breaks may be written `\n`, as many places keep them. */
export const privateKey: Parser<string> = (text) => {
  const pem = text.includes('\n') ? text : text.replaceAll('\\n', '\n')
  try {
    createPrivateKey(pem)
  } catch {
    throw new Error('must be a private key in PEM (-----BEGIN … PRIVATE KEY-----)')
  }
  return pem
}
