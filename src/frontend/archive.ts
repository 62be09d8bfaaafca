const magics = [
  [0x42, 0x5a, 0x68],
  [0x1f, 0x8b, 0x08],
  [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
]

/**
 * Tells whether a download is a tar archive (bzip2, gzip, xz or plain) from its first bytes.
 */
export function isArchive(header: Uint8Array): boolean {
  return magics.some(magic => magic.every((byte, i) => header[i] === byte)) || isTarHeader(header)
}

/** A plain tar begins with a header whose checksum is right; two empty blocks are an empty archive. */
function isTarHeader(header: Uint8Array): boolean {
  if (header.length < 512) return false
  const block = header.subarray(0, 512)
  if (block.every(byte => byte === 0)) return false
  const field = Buffer.from(block.subarray(148, 156))
    .toString('latin1')
    .replace(/[\0 ]+$/, '')
    .trim()
  if (!/^[0-7]+$/.test(field)) return false
  const wanted = Number.parseInt(field, 8)
  let unsigned = 0
  let signed = 0
  for (const [i, byte] of block.entries()) {
    const value = i >= 148 && i < 156 ? 0x20 : byte
    unsigned += value
    signed += value > 127 ? value - 256 : value
  }
  return wanted === unsigned || wanted === signed
}
