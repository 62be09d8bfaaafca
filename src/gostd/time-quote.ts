/**
 * A text in quotes as Go's package time quotes it in errors: all that is not printable ASCII byte by byte (`\xc3\xa4`).
 * Source: https://github.com/golang/go/blob/go1.24.0/src/time/format.go, `quote`.
 */
export function timeQuote(text: string): string {
  const bytes = Array.from(Buffer.from(text), byte => {
    if (byte < 0x20 || byte >= 0x80) return `\\x${byte.toString(16).padStart(2, '0')}`
    const char = String.fromCharCode(byte)
    return char === '"' || char === '\\' ? `\\${char}` : char
  })
  return `"${bytes.join('')}"`
}
