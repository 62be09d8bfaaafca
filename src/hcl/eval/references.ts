import type { Diagnostics } from '../diagnostic.ts'
import type { Expression } from '../expression.ts'
import type { JsonExprNode } from '../json/node.ts'
import type { NativeExpression, Traversal } from '../syntax/expression.ts'
import { jsonTemplate } from './evaluate-json.ts'
import { keywordOf } from './static.ts'

/** What an expression needs from outside: variables (with the steps into them) and functions, in source order. */
export interface References {
  readonly variables: Traversal[]
  readonly functions: string[]
}

/** Collects the variables and functions that an expression refers to; names bound by a `for` in it do not count. */
export function referencesOf(e: Expression): References {
  const found: References = { variables: [], functions: [] }
  if (e.kind === 'json') walkJson(e.node, found)
  else if (e.kind !== 'static') walk(e, new Set(), found)
  return found
}

function walkJson(node: JsonExprNode, found: References): void {
  if (node.kind === 'array') for (const item of node.items) walkJson(item, found)
  if (node.kind === 'object') {
    for (const m of node.members) {
      walkJson({ kind: 'string', value: m.name, range: m.nameRange }, found)
      walkJson(m.value, found)
    }
  }
  if (node.kind !== 'string' || !/[$%]/.test(node.value)) return
  const diagnostics: Diagnostics = []
  const template = jsonTemplate(node, diagnostics)
  if (diagnostics.length === 0) walk(template, new Set(), found)
}

function walk(e: NativeExpression, local: ReadonlySet<string>, found: References): void {
  const all = (children: readonly NativeExpression[]): void => {
    for (const child of children) walk(child, local, found)
  }
  switch (e.kind) {
    case 'variable': {
      const [root] = e.traversal
      if (root?.kind === 'root' && !local.has(root.name)) found.variables.push(e.traversal)
      return
    }
    case 'call':
      found.functions.push(e.name)
      return all(e.args)
    case 'for': {
      all([e.collection])
      const inner = new Set(local).add(e.valueName)
      if (e.keyName !== undefined) inner.add(e.keyName)
      for (const child of [e.key, e.value, e.condition]) if (child !== undefined) walk(child, inner, found)
      return
    }
    case 'object-key':
      return keywordOf(e.wrapped) === undefined ? all([e.wrapped]) : undefined
    case 'binary': {
      let left: NativeExpression = e
      const operands: NativeExpression[] = []
      for (; left.kind === 'binary'; left = left.left) operands.push(left.right)
      return all([left, ...operands.reverse()])
    }
    case 'traversal':
      return all([e.source])
    case 'conditional':
      return all([e.condition, e.yes, e.no])
    case 'index':
      return all([e.collection, e.key])
    case 'tuple':
      return all(e.items)
    case 'object':
      return all(e.items.flatMap(i => [i.key, i.value]))
    case 'splat':
      return all([e.source, e.each])
    case 'template':
      return all(e.parts)
    case 'template-join':
      return all([e.tuple])
    case 'template-wrap':
      return all([e.wrapped])
    case 'unary':
      return all([e.operand])
    case 'parentheses':
      return all([e.inner])
    case 'literal':
    case 'item':
    case 'syntax-error':
      return
  }
}
