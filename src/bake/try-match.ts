/** The answer of a match, false when the pattern itself is wrong. */
export function tryMatch(match: () => boolean): boolean {
  try {
    return match()
  } catch {
    return false
  }
}
