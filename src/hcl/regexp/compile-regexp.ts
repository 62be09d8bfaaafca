import { RegexpError, type CharTest, type RegexpNode } from './syntax-tree.ts'

/** An instruction of the matching machine; numbers are addresses of other instructions. */
export type Instruction =
  | { readonly kind: 'char'; readonly test: CharTest; next: number }
  | { readonly kind: 'split'; first: number; second: number }
  | { readonly kind: 'jump'; next: number }
  | { readonly kind: 'assert'; readonly what: string; next: number }
  | { readonly kind: 'save'; readonly slot: number; next: number }
  | { readonly kind: 'match' }

/** The most instructions a pattern may make, which bounds the work per character. */
const maxInstructions = 20_000

/** Turns a parsed pattern into instructions; the first one is where matching begins. */
export function compileRegexp(node: RegexpNode): Instruction[] {
  const program: Instruction[] = []
  const emit = (i: Instruction): number => {
    if (program.length >= maxInstructions) throw new RegexpError('expression too large', '')
    return program.push(i) - 1
  }
  const compile = (n: RegexpNode): void => {
    switch (n.kind) {
      case 'empty':
        return
      case 'char':
        return void emit({ kind: 'char', test: n.test, next: program.length + 1 })
      case 'assert':
        return void emit({ kind: 'assert', what: n.what, next: program.length + 1 })
      case 'concat':
        return n.items.forEach(compile)
      case 'group':
        emit({ kind: 'save', slot: n.index * 2, next: program.length + 1 })
        compile(n.item)
        return void emit({ kind: 'save', slot: n.index * 2 + 1, next: program.length + 1 })
      case 'alternate':
        return compileAlternate(n.items)
      case 'repeat':
        return compileRepeat(n)
    }
  }
  const compileAlternate = (items: readonly RegexpNode[]): void => {
    const ends: number[] = []
    for (const [i, item] of items.entries()) {
      if (i === items.length - 1) compile(item)
      else {
        const split = emit({ kind: 'split', first: program.length + 1, second: 0 })
        compile(item)
        ends.push(emit({ kind: 'jump', next: 0 }))
        ;(program[split] as Instruction & { kind: 'split' }).second = program.length
      }
    }
    for (const end of ends) (program[end] as Instruction & { kind: 'jump' }).next = program.length
  }
  const optional = (greedy: boolean, body: () => void): void => {
    const at = emit({ kind: 'split', first: 0, second: 0 })
    body()
    const split = program[at] as Instruction & { kind: 'split' }
    split.first = greedy ? at + 1 : program.length
    split.second = greedy ? program.length : at + 1
  }
  const compileRepeat = (n: RegexpNode & { kind: 'repeat' }): void => {
    for (let i = 0; i < n.min; i++) compile(n.item)
    if (n.max === Number.POSITIVE_INFINITY) {
      const start = program.length
      optional(n.greedy, () => {
        compile(n.item)
        emit({ kind: 'jump', next: start })
      })
      return
    }
    const ends: (() => void)[] = []
    for (let i = n.min; i < n.max; i++) {
      const at = emit({ kind: 'split', first: 0, second: 0 })
      compile(n.item)
      ends.push(() => {
        const split = program[at] as Instruction & { kind: 'split' }
        split.first = n.greedy ? at + 1 : program.length
        split.second = n.greedy ? program.length : at + 1
      })
    }
    for (const end of ends) end()
  }
  compile(node)
  emit({ kind: 'match' })
  return program
}
