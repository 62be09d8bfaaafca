/** Letters whose title case is neither their upper case nor themselves: the digraphs of Latin, by their title case. */
const titleDigraphs = new Map([
  ...['Ǆǅǆ', 'Ǉǈǉ', 'Ǌǋǌ', 'Ǳǲǳ'].flatMap(forms =>
    [...forms].map((c): [string, string] => [c, forms[1] as string]),
  ),
])

/** Letter by letter, as Go does it: letters whose other case has several letters keep what Unicode calls simple. */
function mapLetters(source: string, change: (c: string) => string, simple: (c: string) => string): string {
  if (/^[\x00-\x7f]*$/.test(source)) return change(source)
  return Array.from(source, c => {
    const changed = change(c)
    return [...changed].length === 1 ? changed : simple(c)
  }).join('')
}

/** Go's `strings.ToUpper`. */
export function upper(source: string): string {
  return mapLetters(source, c => c.toUpperCase(), simpleUpper)
}

/** Go's `strings.ToLower`. */
export function lower(source: string): string {
  return mapLetters(
    source,
    c => c.toLowerCase(),
    c => (c === 'İ' ? 'i' : c),
  )
}

/** A letter as it begins a title, Go's `unicode.ToTitle`. */
export function titleCase(letter: string): string {
  return titleDigraphs.get(letter) ?? upper(letter)
}

/** Greek letters with an iota below have a capital of their own beside the pair that the full mapping gives. */
function simpleUpper(c: string): string {
  const code = c.codePointAt(0) as number
  if (code >= 0x1f80 && code <= 0x1faf) return String.fromCodePoint(code | 8)
  return { ᾳ: 'ᾼ', ῃ: 'ῌ', ῳ: 'ῼ' }[c] ?? c
}
