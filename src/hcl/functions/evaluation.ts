import type { Diagnostic } from '../diagnostic.ts'
import { type ExpressionArgument, FunctionError, type HclFunction, type TypeArgument } from '../function.ts'
import { formatRange } from '../position.ts'
import { ConversionError, convertValue } from '../value/convert.ts'
import { boolType, dynamicType } from '../value/type.ts'
import { boolValue, dynamicValue, isWhollyKnown, unknownValue, type Value } from '../value/value.ts'
import type { FunctionTable } from './arguments.ts'

const tryFunction: HclFunction = {
  parameters: [],
  variadic: { name: 'expressions', type: 'expression' },
  call: args => {
    if (args.length === 0) throw new FunctionError('at least one argument is required')
    const failures: Diagnostic[] = []
    for (const arg of args as readonly ExpressionArgument[]) {
      const { value, diagnostics } = arg.evaluate()
      if (diagnostics.length === 0) return isWhollyKnown(value) ? value : dynamicValue
      for (const d of diagnostics) failures.push(d)
    }
    const lines = failures.map(
      d =>
        `- ${d.summary}${d.subject === undefined ? '' : ` (at ${formatRange(d.subject)})`}\n  ${d.detail}\n`,
    )
    throw new FunctionError(
      `no expression succeeded:\n${lines.join('')}\nAt least one expression must produce a successful result`,
    )
  },
}

const can: HclFunction = {
  parameters: [{ name: 'expression', type: 'expression' }],
  returns: boolType,
  call: args => {
    const { value, diagnostics } = (args[0] as ExpressionArgument).evaluate()
    if (diagnostics.length > 0) return boolValue(false)
    return isWhollyKnown(value) ? boolValue(true) : unknownValue(boolType)
  },
}

const convert: HclFunction = {
  parameters: [
    { name: 'value', type: dynamicType, allowNull: true, allowUnknown: true },
    { name: 'type', type: 'type' },
  ],
  call: args => {
    try {
      return convertValue(args[0] as Value, (args[1] as TypeArgument).constraint)
    } catch (e) {
      if (e instanceof ConversionError) throw new FunctionError(e.message, 0)
      throw e
    }
  },
}

/** Functions that look at expressions and types instead of values. */
export const evaluationFunctions: FunctionTable = { can, convert, try: tryFunction }
