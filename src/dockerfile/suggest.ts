import { SlipwayError } from '../errors/slipway-error.ts'

/**
 * The option closest to `value`, at most two edits away; undefined where there is none, or where one equals it (then
 * the mistake is another one). Without case, the suggestion takes the case of `value`.
 */
export function suggest(value: string, options: readonly string[], caseSensitive = true): string | undefined {
  const fold = (text: string): string => (caseSensitive ? text : text.toLowerCase())
  const wanted = fold(value)
  let best: string | undefined
  let least = 3
  for (const option of options.map(fold)) {
    if (option === wanted) return undefined
    const edits = editDistance(wanted, option)
    if (edits >= least) continue
    least = edits
    best = caseSensitive ? option : likeCase(option, value)
  }
  return best
}

/** The same error with ` (did you mean X?)` behind its message, where an option is close enough. */
export function withSuggestion(
  error: SlipwayError,
  value: string,
  options: readonly string[],
  caseSensitive = true,
): SlipwayError {
  const found = suggest(value, options, caseSensitive)
  if (found === undefined) return error
  return new SlipwayError(error.code, `${error.message} (did you mean ${found}?)`, {
    cause: error.cause,
    sources: error.sources,
    details: error.details,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  })
}

function likeCase(option: string, original: string): string {
  if (original === original.toLowerCase()) return option.toLowerCase()
  if (original === original.toUpperCase()) return option.toUpperCase()
  return option
}

/** Levenshtein distance by characters; texts that differ in length by more than 2 are just far (3). */
function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 4) return 3
  const x = Array.from(a)
  const y = Array.from(b)
  if (Math.abs(x.length - y.length) > 2 || x.length > 200) return 3
  let row = Array.from({ length: y.length + 1 }, (_, i) => i)
  for (let i = 1; i <= x.length; i++) {
    const next = [i]
    for (let j = 1; j <= y.length; j++) {
      const change = (row[j - 1] as number) + (x[i - 1] === y[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    if (Math.min(...next) > 2) return 3
    row = next
  }
  return row[y.length] as number
}
