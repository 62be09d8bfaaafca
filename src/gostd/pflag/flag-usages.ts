import { quote } from '../quote.ts'
import type { Flag } from './flag.ts'

/** Names that the help shows in place of a type's own. */
const shownTypes: Readonly<Record<string, string>> = {
  bool: '',
  float64: 'float',
  int64: 'int',
  uint64: 'uint',
  stringSlice: 'strings',
  intSlice: 'ints',
}

/**
 * The table of flags in a help text, one line each and a newline at the end, as pflag's `FlagUsagesWrapped`:
 * descriptions are wrapped so that no line is longer than `columns` (0 = never).
 */
export function flagUsages(flags: readonly Flag[], columns = 0): string {
  const rows = flags.filter(flag => !flag.hidden).map(flag => [left(flag), right(flag)] as const)
  const widest = Math.max(0, ...rows.map(([head]) => head.length))
  const indent = widest + 3
  return rows.map(([head, tail]) => `${head.padEnd(widest)}   ${wrap(indent, columns, tail)}\n`).join('')
}

function left(flag: Flag): string {
  const short = flag.shorthand !== '' && flag.shorthandDeprecated === ''
  const head = short ? `  -${flag.shorthand}, --${flag.name}` : `      --${flag.name}`
  const type = quotedWord(flag.usage) ?? shownTypes[flag.typeName] ?? flag.typeName
  return `${head}${type === '' ? '' : ` ${type}`}${optionalValue(flag)}`
}

function optionalValue(flag: Flag): string {
  const value = flag.noOptDefault
  if (value === '') return ''
  if (flag.typeName === 'string') return `[="${value}"]`
  if (flag.typeName === 'bool' && value === 'true') return ''
  if (flag.typeName === 'count' && value === '+1') return ''
  return `[=${value}]`
}

function right(flag: Flag): string {
  const word = quotedWord(flag.usage)
  let text = word === undefined ? flag.usage : flag.usage.replace(`\`${word}\``, word)
  if (!flag.hasZeroDefault) {
    text += ` (default ${flag.typeName === 'string' ? quote(flag.defaultText) : flag.defaultText})`
  }
  if (flag.deprecated !== '') text += ` (DEPRECATED: ${flag.deprecated})`
  return text
}

function quotedWord(usage: string): string | undefined {
  return /`([^`]*)`/.exec(usage)?.[1]
}

/** Wraps behind an indent; the last line may be up to five columns longer rather than leave a short word alone. */
function wrap(indent: number, columns: number, text: string): string {
  const slop = 5
  let margin = indent
  let width = columns - indent
  let out = ''
  if (columns === 0) return text.replaceAll('\n', `\n${' '.repeat(indent)}`)
  if (width < 24) {
    margin = 16
    width = columns - margin
    out = `\n${' '.repeat(margin)}`
  }
  if (width < 24) return text.replaceAll('\n', out)
  const newline = `\n${' '.repeat(margin)}`
  const lines: string[] = []
  let rest = text
  do {
    const [line, more] = takeLine(width - slop, slop, rest)
    lines.push(line.replaceAll('\n', newline))
    rest = more
  } while (rest !== '')
  return out + lines.join(newline)
}

function takeLine(width: number, slop: number, text: string): [line: string, rest: string] {
  if (width + slop > text.length) return [text, '']
  const head = text.slice(0, width)
  const blank = Math.max(head.lastIndexOf(' '), head.lastIndexOf('\t'), head.lastIndexOf('\n'))
  if (blank <= 0) return [text, '']
  const newline = head.lastIndexOf('\n')
  const cut = newline > 0 && newline < blank ? newline : blank
  return [text.slice(0, cut), text.slice(cut + 1)]
}
