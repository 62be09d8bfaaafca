import type { Diagnostics } from '../diagnostic.ts'
import { formatRange, type Range, rangeBetween } from '../position.ts'
import { dynamicValue, stringValue } from '../value/value.ts'
import type { NativeExpression } from './expression.ts'
import { maxDepth } from './parser.ts'
import type { TemplatePart } from './template-part.ts'

/** Matches `if` and `for` directives with their ends; what is left is a list of expressions to be joined. */
export function assembleTemplate(
  parts: readonly TemplatePart[],
  diagnostics: Diagnostics,
): NativeExpression[] {
  return new Assembler(parts, diagnostics).root()
}

class Assembler {
  readonly #parts: readonly TemplatePart[]
  readonly #diagnostics: Diagnostics
  #at = 0
  #depth = 0

  constructor(parts: readonly TemplatePart[], diagnostics: Diagnostics) {
    this.#parts = parts
    this.#diagnostics = diagnostics
  }

  root(): NativeExpression[] {
    const out: NativeExpression[] = []
    while (this.#peek().kind !== 'end') out.push(this.#expression())
    return out
  }

  #peek(): TemplatePart {
    return this.#parts[this.#at] as TemplatePart
  }

  #expression(): NativeExpression {
    const part = this.#peek()
    if (part.kind !== 'end') this.#at++
    switch (part.kind) {
      case 'text':
        return { kind: 'literal', value: stringValue(part.text), range: part.range }
      case 'interpolation':
        return part.expression
      case 'if':
      case 'for': {
        if (this.#depth >= maxDepth)
          return this.#fail(
            'Template nested too deeply',
            'Directives may not be nested so deeply.',
            part.range,
          )
        this.#depth++
        const result = part.kind === 'if' ? this.#if(part) : this.#for(part)
        this.#depth--
        return result
      }
      case 'end':
        return this.#fail('Unexpected end of template', unbalanced, part.range)
      default:
        return this.#fail(`Unexpected ${part.kind} directive`, unbalanced, part.range)
    }
  }

  #fail(summary: string, detail: string, subject: Range): NativeExpression {
    this.#diagnostics.push({ summary, detail, subject })
    return { kind: 'literal', value: dynamicValue, range: subject }
  }

  #if(open: TemplatePart & { kind: 'if' }): NativeExpression {
    const yes: NativeExpression[] = []
    const no: NativeExpression[] = []
    let current = yes
    for (;;) {
      const next = this.#peek()
      if (next.kind === 'end') {
        return this.#fail(
          'Unexpected end of template',
          `The if directive at ${formatRange(open.range)} is missing its corresponding endif directive.`,
          next.range,
        )
      }
      if (next.kind === 'else' && current === yes) {
        this.#at++
        current = no
      } else if (next.kind === 'endif') {
        this.#at++
        const range = rangeBetween(open.range, next.range)
        const whenYes = block(yes, { ...open.range, start: open.range.end })
        const whenNo = block(no, { ...next.range, end: next.range.start })
        return { kind: 'conditional', condition: open.condition, yes: whenYes, no: whenNo, range }
      } else if (next.kind === 'else') {
        this.#at++
        return this.#fail(
          'Unexpected else directive',
          `Already in the else clause for the if started at ${formatRange(open.range)}.`,
          next.range,
        )
      } else if (next.kind === 'endfor') {
        this.#at++
        return this.#fail(
          'Unexpected endfor directive',
          `Expecting an endif directive for the if started at ${formatRange(open.range)}.`,
          next.range,
        )
      } else current.push(this.#expression())
    }
  }

  #for(open: TemplatePart & { kind: 'for' }): NativeExpression {
    const content: NativeExpression[] = []
    for (;;) {
      const next = this.#peek()
      if (next.kind === 'end') {
        return this.#fail(
          'Unexpected end of template',
          `The for directive at ${formatRange(open.range)} is missing its corresponding endfor directive.`,
          next.range,
        )
      }
      if (next.kind === 'endfor') {
        this.#at++
        const range = rangeBetween(open.range, next.range)
        const value = block(content, { ...open.range, start: open.range.end })
        const { keyName, valueName, collection } = open
        const tuple = {
          kind: 'for',
          keyName,
          valueName,
          collection,
          key: undefined,
          value,
          condition: undefined,
          group: false,
          range,
          open: open.range,
        } as const
        return { kind: 'template-join', tuple, range }
      }
      if (next.kind === 'else') {
        this.#at++
        return this.#fail(
          'Unexpected else directive',
          'An else clause is not expected for a for directive.',
          next.range,
        )
      }
      if (next.kind === 'endif') {
        this.#at++
        return this.#fail(
          'Unexpected endif directive',
          `Expecting an endfor directive corresponding to the for directive at ${formatRange(open.range)}.`,
          next.range,
        )
      }
      content.push(this.#expression())
    }
  }
}

const unbalanced = 'The control directives within this template are unbalanced.'

function block(parts: NativeExpression[], whenEmpty: Range): NativeExpression {
  if (parts.length === 0) parts.push({ kind: 'literal', value: stringValue(''), range: whenEmpty })
  const first = parts[0] as NativeExpression
  const last = parts.at(-1) as NativeExpression
  return { kind: 'template', parts, range: rangeBetween(first.range, last.range) }
}
