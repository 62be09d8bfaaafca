import { limitError } from '../value/limit.ts'
import { isWordChar } from './char-class.ts'
import { compileRegexp, type Instruction } from './compile-regexp.ts'
import { parseRegexp } from './parse-regexp.ts'

/** Starts and ends of the match and of its groups, in UTF-16 units; -1 for a group that took no part. */
export type Match = readonly number[]

interface Thread {
  readonly at: number
  readonly saved: readonly number[]
}

/** How many instruction visits one search may take; patterns of definitions need some thousands. */
const maxVisits = 20_000_000

/**
 * A regular expression with Go's syntax and leftmost-first meaning. Matching takes time in proportion to pattern and
 * text, whatever the pattern: all alternatives are followed side by side, never one after another.
 */
export class Regexp {
  /** Names of the groups by number; empty for unnamed ones and for 0, the whole match. */
  readonly names: readonly string[]
  readonly #program: readonly Instruction[]
  #visits = 0

  /** Throws a `RegexpError` for a pattern that is wrong. */
  constructor(pattern: string) {
    const { node, names } = parseRegexp(pattern)
    this.names = names
    this.#program = compileRegexp(node)
  }

  /** The first match at or after `from`. */
  find(text: string, from = 0): Match | undefined {
    this.#visits = 0
    return this.#search(text, from)
  }

  /** All matches that do not overlap; an empty one right behind another match is left out. */
  findAll(text: string): Match[] {
    this.#visits = 0
    const found: Match[] = []
    let last = -1
    for (let at = 0; at <= text.length; ) {
      const match = this.#search(text, at)
      if (match === undefined) break
      const [start, end] = match as [number, number]
      if (end > start || end !== last) found.push(match)
      last = end
      at = end > at ? end : at + ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1)
    }
    return found
  }

  /** The text with every match replaced by `template`, in which `$1`, `${1}`, `$name` and `${name}` stand for groups. */
  replaceAll(text: string, template: string): string {
    const parts: string[] = []
    let at = 0
    for (const match of this.findAll(text)) {
      parts.push(text.slice(at, match[0]), this.#expand(template, text, match))
      at = match[1] as number
    }
    return parts.join('') + text.slice(at)
  }

  #expand(template: string, text: string, match: Match): string {
    return template.replace(
      /\$(?:\$|\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+))/g,
      (whole, braced?: string, bare?: string) => {
        const name = braced ?? bare
        if (name === undefined) return whole === '$$' ? '$' : whole
        const index = /^[0-9]+$/.test(name) ? Number(name) : this.names.lastIndexOf(name)
        const start = match[index * 2]
        return index < 0 || start === undefined || start < 0 ? '' : text.slice(start, match[index * 2 + 1])
      },
    )
  }

  #search(text: string, from: number): Match | undefined {
    let current: Thread[] = []
    let matched: Match | undefined
    for (let at = from; ; ) {
      const code = text.codePointAt(at)
      const seen = new Set<number>()
      const threads: Thread[] = []
      for (const t of current) this.#add(threads, seen, t, text, at)
      if (matched === undefined) this.#add(threads, seen, { at: 0, saved: [at] }, text, at)
      current = []
      for (const { at: address, saved } of threads) {
        const instruction = this.#program[address] as Instruction
        if (instruction.kind === 'match') {
          const match = [...saved]
          match[1] = at
          matched = Array.from({ length: this.names.length * 2 }, (_, i) => match[i] ?? -1)
          break
        }
        if (instruction.kind === 'char' && code !== undefined && instruction.test(code))
          current.push({ at: instruction.next, saved })
      }
      if (code === undefined || (current.length === 0 && matched !== undefined)) return matched
      at += code > 0xffff ? 2 : 1
    }
  }

  /** Follows everything that takes no character, in order of preference. */
  #add(threads: Thread[], seen: Set<number>, first: Thread, text: string, position: number): void {
    const stack = [first]
    for (let thread = stack.pop(); thread !== undefined; thread = stack.pop()) {
      if (++this.#visits > maxVisits) throw limitError('too much time for a regular expression')
      if (seen.has(thread.at)) continue
      seen.add(thread.at)
      const { saved } = thread
      const instruction = this.#program[thread.at] as Instruction
      switch (instruction.kind) {
        case 'jump':
          stack.push({ at: instruction.next, saved })
          break
        case 'split':
          stack.push({ at: instruction.second, saved }, { at: instruction.first, saved })
          break
        case 'save': {
          const copy = saved.slice()
          copy[instruction.slot] = position
          stack.push({ at: instruction.next, saved: copy })
          break
        }
        case 'assert':
          if (holds(instruction.what, text, position)) stack.push({ at: instruction.next, saved })
          break
        default:
          threads.push(thread)
      }
    }
  }
}

function holds(what: string, text: string, at: number): boolean {
  switch (what) {
    case 'text-start':
      return at === 0
    case 'text-end':
      return at === text.length
    case 'line-start':
      return at === 0 || text[at - 1] === '\n'
    case 'line-end':
      return at === text.length || text[at] === '\n'
    default: {
      const before = at > 0 && isWordChar(text.charCodeAt(at - 1))
      const after = at < text.length && isWordChar(text.charCodeAt(at))
      return (before !== after) === (what === 'word')
    }
  }
}
