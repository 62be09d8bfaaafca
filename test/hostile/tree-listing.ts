import { createHash } from 'node:crypto'
import type { ByteStream } from '../../src/bytes/byte-stream.ts'
import { readTar } from '../../src/tar/read-tar.ts'

/**
 * The members of an archive, a line each: everything but the times of what was made on the way. Names as JSON has
 * them, so that odd ones are seen. Content is told by a hash of the pieces that the archive holds.
 */
export async function listArchive(archive: ByteStream): Promise<string[]> {
  const lines: string[] = []
  const recent = BigInt(Date.now() - 86_400_000) * 1_000_000n
  const soon = BigInt(Date.now() + 86_400_000) * 1_000_000n
  for await (const { entry, content } of readTar(archive)) {
    const hash = createHash('sha256')
    for await (const { bytes, offset } of content) {
      if (bytes.length < 65_536) hash.update(`${offset} `)
      hash.update(bytes)
    }
    const { mtimeNs } = entry
    const facts = [
      JSON.stringify(shortened(entry.name)),
      entry.type,
      entry.mode.toString(8),
      `${entry.uid}:${entry.gid}`,
      mtimeNs > recent && mtimeNs < soon ? 'now' : String(mtimeNs / 1_000_000_000n),
    ]
    if (entry.type === 'file')
      facts.push(String(entry.size), entry.size > 65_536 ? '' : hash.digest('hex').slice(0, 8))
    if (entry.linkname !== '') facts.push(`-> ${JSON.stringify(shortened(entry.linkname))}`)
    if (entry.type === 'char' || entry.type === 'block') facts.push(`${entry.devmajor},${entry.devminor}`)
    for (const [key, value] of entry.xattrs)
      facts.push(`${key}=${shortened(Buffer.from(value).toString('hex'))}`)
    lines.push(facts.join(' ').trimEnd())
  }
  return lines
}

const shortened = (name: string): string =>
  name.length < 100
    ? name
    : `${name.slice(0, 12)}…${name.length}:${createHash('sha256').update(name).digest('hex').slice(0, 8)}`
