import { SlipwayError } from '../../errors/slipway-error.ts'
import { type Diagnostics, DiagnosticsError } from '../../hcl/diagnostic.ts'
import type { Attribute } from '../../hcl/body.ts'
import { evaluate } from '../../hcl/eval/evaluate.ts'
import type { EvalContext } from '../../hcl/eval/context.ts'
import { referencesOf } from '../../hcl/eval/references.ts'
import type { Expression } from '../../hcl/expression.ts'
import { convertValue } from '../../hcl/value/convert.ts'
import { typeConstraint } from '../../hcl/type-expression.ts'
import { keywordOf } from '../../hcl/eval/static.ts'
import { dynamicType, isPrimitive, type Type } from '../../hcl/value/type.ts'
import { typeName } from '../../hcl/value/type-name.ts'
import { nullValue, stringValue, type Value } from '../../hcl/value/value.ts'
import type { Traversal } from '../../hcl/syntax/expression.ts'
import { asDiagnostics, UndefinedError } from './evaluation-error.ts'
import type { FunctionBlock, VariableBlock } from './inputs.ts'
import { parameterNames, userFunction } from './user-function.ts'
import { findOverride, type Override, primitiveFromText, typedOverride } from './variable-override.ts'

/** What gives names their meaning: blocks of the files, and what was set outside them. */
export interface NameSources {
  readonly variables: ReadonlyMap<string, VariableBlock>
  readonly functions: ReadonlyMap<string, FunctionBlock>
  /** Top-level attributes. */
  readonly globals: ReadonlyMap<string, Attribute>
  /** `--var` and the environment. */
  readonly lookup: (name: string) => string | undefined
  /** Resolves a reference to a block (`target.x.args`); false when the root names no block type. */
  readonly resolveBlock: (traversal: Traversal, e: Expression) => boolean
}

/** Resolves variables, global attributes and functions when they are first needed, each once. */
export class Names {
  /** The outermost scope; resolved names are added to it. */
  readonly scope: EvalContext & {
    readonly variables: Map<string, Value>
    readonly functions: NonNullable<EvalContext['functions']>
  }
  /** Types that variables declare. */
  readonly declared = new Map<string, Type>()
  readonly #sources: NameSources
  readonly #inProgress = new Map<EvalContext, Set<string>>()
  readonly #functionsInProgress = new Set<string>()

  constructor(sources: NameSources, scope: Names['scope']) {
    this.#sources = sources
    this.scope = scope
  }

  /** Resolves everything an expression refers to; `missing` says that undefined names are left to the evaluation. */
  load(e: Expression, context: EvalContext, missing: boolean, exclude?: ReadonlySet<string>): void {
    const { functions, variables } = referencesOf(e)
    for (const name of functions) this.#guard(e, missing, () => this.resolveFunction(name, context))
    for (const traversal of variables) {
      const root = traversal[0]?.kind === 'root' ? traversal[0].name : ''
      if (exclude?.has(root) === true) continue
      this.#guard(e, missing, () => {
        if (!this.#sources.resolveBlock(traversal, e)) this.resolveValue(root, context)
      })
    }
  }

  #guard(e: Expression, missing: boolean, resolve: () => void): void {
    try {
      resolve()
    } catch (error) {
      if (!(missing && error instanceof UndefinedError))
        throw asDiagnostics(error, 'Invalid expression', e.range, e.range)
    }
  }

  /** The value of an expression whose names are loaded; what is wrong with it is thrown as a `DiagnosticsError`. */
  evaluate(e: Expression, context: EvalContext): Value {
    const diagnostics: Diagnostics = []
    let value: Value
    try {
      value = evaluate(e, context, diagnostics)
    } catch (error) {
      throw asDiagnostics(error, 'Invalid expression', e.range, e.range)
    }
    if (diagnostics.length > 0) throw new DiagnosticsError(diagnostics)
    return value
  }

  /** Makes a function of the files callable; nothing is done for the others. */
  resolveFunction(name: string, context: EvalContext): void {
    if (this.scope.functions.has(name) || context.functions?.has(name) === true) return
    const f = this.#sources.functions.get(name)
    if (f === undefined)
      throw new UndefinedError(`function ${JSON.stringify(name)} does not exist: undefined`)
    if (this.#functionsInProgress.has(name)) throw invalid(`function cycle not allowed for ${name}`)
    this.#functionsInProgress.add(name)
    if (f.result === undefined) throw invalid(`empty result not allowed for ${name}`)
    if (f.params === undefined) throw invalid(`empty params not allowed for ${name}`)
    const diagnostics: Diagnostics = []
    const parameters = parameterNames(f, diagnostics)
    if (diagnostics.length > 0) throw new DiagnosticsError(diagnostics)
    const { names, variadic } = parameters
    this.load(
      f.result.expression,
      this.scope,
      false,
      new Set(variadic === undefined ? names : [...names, variadic]),
    )
    this.scope.functions.set(name, userFunction(parameters, f.result.expression, this.scope))
  }

  /** Gives a variable or global attribute its value. */
  resolveValue(name: string, context: EvalContext): void {
    if (this.scope.variables.has(name) || context.variables?.has(name) === true) return
    const inProgress = this.#inProgress.get(context) ?? new Set()
    this.#inProgress.set(context, inProgress)
    if (inProgress.has(name)) throw invalid(`variable cycle not allowed for ${name}`)
    inProgress.add(name)
    const attribute = this.#sources.globals.get(name)
    const variable = this.#sources.variables.get(name)
    let value: Value
    if (attribute !== undefined) value = this.#globalValue(name, attribute, variable, context)
    else if (variable !== undefined) value = this.#variableValue(name, variable)
    else throw new UndefinedError(`variable ${JSON.stringify(name)} does not exist: undefined`)
    this.scope.variables.set(name, value)
  }

  #globalValue(
    name: string,
    attribute: Attribute,
    variable: VariableBlock | undefined,
    context: EvalContext,
  ): Value {
    this.load(attribute.expression, context, true)
    const value = this.evaluate(attribute.expression, context)
    const override = variable && this.#override(name, false)
    return override === undefined ? value : untypedOverride(name, override, value)
  }

  #variableValue(name: string, variable: VariableBlock): Value {
    const type = this.#declaredType(name, variable)
    const override = this.#override(name, type !== undefined)
    let value: Value | undefined
    if (variable.default !== undefined) {
      const e = variable.default.expression
      this.load(e, this.scope, true)
      value = convertDefault(name, this.evaluate(e, this.scope), type ?? dynamicType)
    } else if (override === undefined) return type === undefined ? stringValue('') : nullValue(type)
    if (override === undefined) return value as Value
    if (type !== undefined) return typedOverride(name, override, type)
    return value === undefined ? stringValue(override.text) : untypedOverride(name, override, value)
  }

  #declaredType(name: string, { type: e }: VariableBlock): Type | undefined {
    if (e === undefined || (e.kind === 'literal' && e.value.content === null)) return undefined
    const diagnostics: Diagnostics = []
    const type = typeConstraint(e, diagnostics)
    if (diagnostics.length > 0) throw new DiagnosticsError(diagnostics)
    if (type.kind === 'dynamic' && keywordOf(e) !== 'any') return undefined
    this.declared.set(name, type)
    return type
  }

  #override(name: string, preferJson: boolean): Override | undefined {
    const { lookup, variables } = this.#sources
    return findOverride(name, preferJson, { lookup, defined: n => variables.has(n) })
  }
}

function convertDefault(name: string, value: Value, type: Type): Value {
  try {
    return convertValue(value, type)
  } catch (e) {
    const message = e instanceof Error ? e.message : String(e)
    throw invalid(`invalid type ${typeName(type)} for variable ${name} default value: ${message}`)
  }
}

/** The override as a value of the type that the default has. */
function untypedOverride(name: string, override: Override, value: Value): Value {
  if (value.type.kind === 'dynamic') return stringValue(override.text)
  if (isPrimitive(value.type)) return primitiveFromText(name, override.text, value.type)
  throw invalid(`unsupported type ${typeName(value.type)} for variable ${name}`)
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}
