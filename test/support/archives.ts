import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'

/** A tar of these files. */
export async function tarOf(files: Readonly<Record<string, string | Buffer>>): Promise<Buffer> {
  const tar = pack()
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, content)
  tar.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of tar) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** The same, compressed. */
export const archiveOf = async (
  files: Readonly<Record<string, string | Buffer>>,
): Promise<Buffer> => gzipSync(await tarOf(files))
