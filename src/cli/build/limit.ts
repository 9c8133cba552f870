import { Transform } from 'node:stream'
import { tooLarge } from '../../uploads/archive-store.ts'
import { CommandFailed } from '../command.ts'

/** Passes bytes on up to a bound. Fails with CommandFailed beyond it: kanihook would refuse what comes. */
export function limit(maxBytes: number): Transform {
  let bytes = 0
  return new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length
      if (bytes > maxBytes) done(new CommandFailed(tooLarge(maxBytes)))
      else done(null, chunk)
    },
  })
}
