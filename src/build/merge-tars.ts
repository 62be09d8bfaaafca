import { SlipwayError } from '../errors/slipway-error.ts'

const blockSize = 512

/**
 * The members of several tars as one tar: each ends where its two empty blocks begin, and the last one's are kept. Only
 * sizes are read, everything else passes as it is. Directories that several have appear several times, which is allowed.
 */
export async function* mergeTars(archives: readonly AsyncIterable<Uint8Array>[]): AsyncGenerator<Uint8Array> {
  for (const archive of archives) yield* members(archive)
  yield new Uint8Array(2 * blockSize)
}

async function* members(archive: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let pending = Buffer.alloc(0)
  let content = 0
  let ended = false
  let paxSize: number | undefined
  let pax: Buffer[] | undefined
  for await (const chunk of archive) {
    if (ended) continue
    pending = pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([pending, chunk])
    while (pending.length > 0) {
      if (content > 0) {
        const part = pending.subarray(0, Math.min(content, pending.length))
        pax?.push(part)
        yield part
        content -= part.length
        pending = pending.subarray(part.length)
        if (content === 0 && pax !== undefined) {
          paxSize = sizeOfPax(Buffer.concat(pax))
          pax = undefined
        }
        continue
      }
      if (pending.length < blockSize) break
      const header = pending.subarray(0, blockSize)
      if (header.every(byte => byte === 0)) {
        ended = true
        break
      }
      const flag = String.fromCharCode(header[156] ?? 0)
      const size = flag === 'x' || flag === 'g' ? headerSize(header) : (paxSize ?? headerSize(header))
      const hasContent =
        flag === '0' || flag === '\0' || flag === 'x' || flag === 'g' || flag === 'L' || flag === 'K'
      content = hasContent ? Math.ceil(size / blockSize) * blockSize : 0
      if (flag === 'x' && content > 0) pax = []
      if (flag !== 'x' && flag !== 'g') paxSize = undefined
      yield header
      pending = pending.subarray(blockSize)
    }
  }
  if (!ended && (content > 0 || pending.length > 0)) {
    throw new SlipwayError('data-loss', 'an archive of a node ends in the middle of a member')
  }
}

function headerSize(header: Buffer): number {
  if ((header[124] ?? 0) & 0x80) return Number(header.readBigUInt64BE(128))
  const text = header.toString('latin1', 124, 136).replaceAll(/[\0 ]/g, '')
  if (!/^[0-7]*$/.test(text)) throw new SlipwayError('data-loss', 'an archive of a node is no tar')
  return text === '' ? 0 : Number.parseInt(text, 8)
}

/** The `size` record of an extended header, for files of 8 GiB and more. */
function sizeOfPax(bytes: Buffer): number | undefined {
  const found = /^\d+ size=(\d+)\n/m.exec(bytes.toString('latin1'))
  return found === null ? undefined : Number(found[1])
}
