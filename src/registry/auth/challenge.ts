/** One way to authenticate that a 401 offers. Source: RFC 9110 11.6.1; RFC 6750 section 3. */
export interface Challenge {
  readonly scheme: 'bearer' | 'basic'
  /** By lower-case name: `realm`, `service`, `scope`, `error`. */
  readonly parameters: Readonly<Record<string, string>>
}

/** The challenges of WWW-Authenticate headers that we can answer, bearer before basic. */
export function parseChallenges(headers: readonly string[]): readonly Challenge[] {
  return headers
    .flatMap(parseHeader)
    .sort((a, b) => Number(a.scheme === 'basic') - Number(b.scheme === 'basic'))
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+/
const quoted = /^"((?:[^"\\]|\\.)*)"/

/** A header may hold several challenges one after the other, separated by commas like the parameters are. */
function parseHeader(header: string): Challenge[] {
  const found: { scheme: string; parameters: Record<string, string> }[] = []
  let rest = header
  const skip = (): void => void (rest = rest.replace(/^[\s,]+/, ''))
  for (skip(); rest !== ''; skip()) {
    const word = token.exec(rest)?.[0]
    if (word === undefined) break
    rest = rest.slice(word.length)
    const equals = /^\s*=\s*/.exec(rest)?.[0]
    if (equals === undefined) {
      found.push({ scheme: word.toLowerCase(), parameters: Object.create(null) as Record<string, string> })
      continue
    }
    rest = rest.slice(equals.length)
    const text = quoted.exec(rest)
    const value = text === null ? token.exec(rest)?.[0] : (text[1] as string).replace(/\\(.)/g, '$1')
    if (value === undefined) break
    rest = rest.slice(text?.[0].length ?? value.length)
    const current = found.at(-1)
    if (current !== undefined) current.parameters[word.toLowerCase()] = value
  }
  return found.flatMap(({ scheme, parameters }) =>
    scheme === 'bearer' || scheme === 'basic' ? [{ scheme, parameters: { ...parameters } }] : [],
  )
}
