import type { Diagnostics } from '../diagnostic.ts'
import { closestName, suggestName } from '../suggest.ts'
import type { CallExpression } from '../syntax/expression.ts'
import { quote as goQuote } from '../../gostd/quote.ts'
import type { EvalContext } from './context.ts'

/** Reports a call of a function that does not exist, with a similar name if there is one. */
export function reportUnknownFunction(
  e: CallExpression,
  context: EvalContext | undefined,
  diagnostics: Diagnostics,
): void {
  let any = false
  for (let c = context; c !== undefined; c = c.parent) any ||= c.functions !== undefined
  if (!any) {
    diagnostics.push({
      summary: 'Function calls not allowed',
      detail: 'Functions may not be called here.',
      subject: e.range,
    })
    return
  }
  const names = [...(context?.functions?.keys() ?? [])].sort()
  const detail = e.name.includes('::')
    ? namespaced(e.name, names)
    : `There is no function named ${goQuote(e.name)}.${suggestName(e.name, names)}`
  diagnostics.push({ summary: 'Call to unknown function', detail, subject: e.nameRange, context: e.range })
}

function namespaced(fullName: string, names: readonly string[]): string {
  const cut = fullName.lastIndexOf('::') + 2
  const namespace = fullName.slice(0, cut)
  const name = fullName.slice(cut)
  const available = names.filter(n => n.startsWith(namespace))
  if (available.length === 0) return `There are no functions in namespace ${goQuote(namespace)}.`
  const near = closestName(name, available)
  const hint = near === undefined ? '' : ` Did you mean ${namespace}${near}?`
  return `There is no function named ${goQuote(name)} in namespace ${namespace}.${hint}`
}
