import type { Diagnostics } from '../diagnostic.ts'
import { type Expression, expressionStart, jsonExpression } from '../expression.ts'
import type { Range } from '../position.ts'
import type { Traversal } from '../syntax/expression.ts'
import { parseExpressionText } from '../syntax/parse.ts'

/** A function call looked at without evaluating it. */
export interface StaticCall {
  readonly name: string
  readonly nameRange: Range
  readonly args: readonly Expression[]
  readonly argsRange: Range
}

/** The constant path an expression names, `undefined` for any other expression; JSON strings hold native syntax. */
export function traversalOf(e: Expression): Traversal | undefined {
  switch (e.kind) {
    case 'variable':
      return e.traversal
    case 'traversal': {
      const source = traversalOf(e.source)
      return source && [...source, ...e.steps]
    }
    case 'object-key':
      return e.forced ? undefined : traversalOf(e.wrapped)
    case 'literal': {
      const { content, type } = e.value
      const name =
        content === null && type.kind === 'dynamic'
          ? 'null'
          : typeof content === 'boolean'
            ? String(content)
            : undefined
      return name === undefined ? undefined : [{ kind: 'root', name, range: e.range }]
    }
    case 'json': {
      const parsed = parsedString(e)
      return parsed?.kind === 'variable'
        ? parsed.traversal
        : parsed?.kind === 'literal'
          ? traversalOf(parsed)
          : undefined
    }
    default:
      return undefined
  }
}

/** The one word that an expression is, `undefined` when it is more. */
export function keywordOf(e: Expression): string | undefined {
  const traversal = traversalOf(e)
  const [root] = traversal ?? []
  return traversal?.length === 1 && root?.kind === 'root' ? root.name : undefined
}

/** The elements of a list written out in the source; anything else is reported. */
export function staticList(e: Expression, diagnostics: Diagnostics): readonly Expression[] | undefined {
  if (e.kind === 'tuple') return e.items
  if (e.kind === 'json' && e.node.kind === 'array') return e.node.items.map(jsonExpression)
  const detail = 'A static list expression is required.'
  diagnostics.push({ summary: 'Invalid expression', detail, subject: expressionStart(e) })
  return undefined
}

/** The keys and values of an object written out in the source. */
export function staticMap(
  e: Expression,
): readonly { readonly key: Expression; readonly value: Expression }[] | undefined {
  if (e.kind === 'object') return e.items
  if (e.kind !== 'json' || e.node.kind !== 'object') return undefined
  return e.node.members.map(m => ({
    key: jsonExpression({ kind: 'string', value: m.name, range: m.nameRange }),
    value: jsonExpression(m.value),
  }))
}

/** The function call that an expression is. */
export function staticCall(e: Expression): StaticCall | undefined {
  const call = e.kind === 'json' ? parsedString(e) : e
  if (call?.kind !== 'call') return undefined
  const { name, nameRange, args } = call
  return { name, nameRange, args, argsRange: { ...call.open, end: call.close.end } }
}

function parsedString(e: Expression & { kind: 'json' }): Expression | undefined {
  if (e.node.kind !== 'string') return undefined
  const diagnostics: Diagnostics = []
  const parsed = parseExpressionText(e.node.value, e.node.range.filename, e.node.range.start, diagnostics)
  return diagnostics.length === 0 ? parsed : undefined
}
