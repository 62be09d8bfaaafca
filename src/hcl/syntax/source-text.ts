/** How many bytes of UTF-8 a UTF-16 unit stands for; a pair's first unit counts for both. */
function unitBytes(unit: number): number {
  if (unit < 0x80 || (unit >= badByteBase && unit <= badByteBase + 0xff && unit >= 0xdc80)) return 1
  if (unit < 0x800) return 2
  if (unit >= 0xd800 && unit <= 0xdbff) return 4
  if (unit >= 0xdc00 && unit <= 0xdfff) return 0
  return 3
}

/** Bytes that are no UTF-8 become the lone surrogates U+DC80 to U+DCFF, so that a text keeps one unit for each. */
const badByteBase = 0xdc00

/** Tells whether the unit at `index` stands for a byte that is no UTF-8. */
export function isBadByte(text: string, index: number): boolean {
  const unit = text.charCodeAt(index)
  if (unit < 0xdc80 || unit > 0xdcff) return false
  const before = index > 0 ? text.charCodeAt(index - 1) : 0
  return before < 0xd800 || before > 0xdbff
}

/** Decodes UTF-8; every byte that is not part of a valid sequence is kept as a marked unit (see `isBadByte`). */
export function decodeSource(data: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data)
  } catch {
    return decodeLossless(data)
  }
}

function decodeLossless(data: Uint8Array): string {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const parts: string[] = []
  for (let i = 0; i < data.length; ) {
    const first = data[i] as number
    const length =
      first < 0x80
        ? 1
        : first >= 0xc2 && first < 0xe0
          ? 2
          : first >= 0xe0 && first < 0xf0
            ? 3
            : first >= 0xf0 && first < 0xf5
              ? 4
              : 0
    const text =
      length > 0 && i + length <= data.length ? tryDecode(decoder, data.subarray(i, i + length)) : undefined
    parts.push(text ?? String.fromCharCode(badByteBase + first))
    i += text === undefined ? 1 : length
  }
  return parts.join('')
}

function tryDecode(decoder: TextDecoder, bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

/** The number of bytes that `text` from `start` to `end` takes in its file. */
export function byteLength(text: string, start = 0, end = text.length): number {
  let bytes = 0
  for (let i = start; i < end; i++) {
    const unit = text.charCodeAt(i)
    bytes += unit >= 0xdc80 && unit <= 0xdcff ? (isBadByte(text, i) ? 1 : 0) : unitBytes(unit)
  }
  return bytes
}
