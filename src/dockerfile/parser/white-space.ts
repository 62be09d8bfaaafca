/** Source of a character class: what Go's unicode.IsSpace accepts. Source: https://pkg.go.dev/unicode#IsSpace */
const space = /^[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/

/** Tells whether the first character of `text` is white space. False for the empty string. */
export function isSpace(text: string): boolean {
  return space.test(text)
}

/** `text` without leading white space. */
export function trimLeft(text: string): string {
  let start = 0
  while (start < text.length && isSpace(text[start] as string)) start++
  return text.slice(start)
}

/** `text` without white space at either end. */
export function trimSpace(text: string): string {
  let end = text.length
  while (end > 0 && isSpace(text[end - 1] as string)) end--
  return trimLeft(text.slice(0, end))
}

/** `text` without any of the characters `chars` at its end. */
export function trimEndOf(text: string, chars: string): string {
  let end = text.length
  while (end > 0 && chars.includes(text[end - 1] as string)) end--
  return text.slice(0, end)
}

/** `text` split at the blanks that separate words of an instruction, at most `limit` parts, the last one uncut. */
export function splitBlanks(text: string, limit = Infinity): string[] {
  const blanks = /[\t\v\f\r ]+/g
  const parts: string[] = []
  let at = 0
  while (parts.length + 1 < limit) {
    const found = blanks.exec(text)
    if (found === null) break
    parts.push(text.slice(at, found.index))
    at = found.index + found[0].length
  }
  return [...parts, text.slice(at)]
}
