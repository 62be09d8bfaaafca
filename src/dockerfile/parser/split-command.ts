import { splitBlanks, trimSpace } from './white-space.ts'

/** An instruction line cut into keyword, flags and the rest. */
export interface SplitCommand {
  readonly keyword: string
  readonly flags: readonly string[]
  readonly rest: string
}

/** Cuts the keyword and the leading `--flags` off an instruction line. `escape` is the file's escape character. */
export function splitCommand(line: string, escape: string): SplitCommand {
  const [keyword = '', tail] = splitBlanks(trimSpace(line), 2)
  if (tail === undefined) return { keyword, flags: [], rest: '' }
  const { flags, rest } = takeFlags(tail, escape)
  return { keyword, flags, rest: trimSpace(rest) }
}

/** Reads words that start with `--` (quotes and escapes are resolved) up to the first other word, or past a lone `--`. */
function takeFlags(line: string, escape: string): { flags: string[]; rest: string } {
  const flags: string[] = []
  let at = 0
  for (;;) {
    while (at < line.length && isBlank(line[at] as string)) at++
    if (!line.startsWith('--', at)) return { flags, rest: line.slice(at) }
    const word = readFlag(line, at, escape)
    at = word.end
    if (word.text === '--') return { flags, rest: line.slice(at) }
    if (word.text !== '' || word.quoted) flags.push(word.text)
  }
}

/** Around flags BuildKit looks at single bytes: the blanks of Unicode are none there. */
const isBlank = (ch: string): boolean => ch === ' ' || (ch >= '\t' && ch <= '\r')

function readFlag(
  line: string,
  start: number,
  escape: string,
): { text: string; quoted: boolean; end: number } {
  let text = ''
  let quote = ''
  let quoted = false
  let at = start
  for (; at < line.length; at++) {
    let ch = line[at] as string
    if (quote === '' && isBlank(ch)) break
    if (quote === '' && (ch === '"' || ch === "'")) {
      quote = ch
      quoted = true
      continue
    }
    if (ch === quote) {
      quote = ''
      continue
    }
    if (ch === escape) {
      if (at + 1 === line.length) continue
      at++
      ch = line[at] as string
    }
    text += ch
  }
  return { text, quoted, end: at }
}
