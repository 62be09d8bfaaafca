import { isSlipwayError } from '../../errors/slipway-error.ts'
import { quote } from '../quote.ts'
import { goString, typeName } from '../sprintf.ts'
import { builtins, isStruct, isTrue, minimumArgs, type TemplateFunction } from './builtins.ts'
import type { Command, Operand, Pipe, Template, TemplateNode } from './node.ts'
import { executionError, templateError } from './template-error.ts'

/** Names that templates may call, besides Go's own. One that declares parameters must get exactly that many. */
export type TemplateFunctions = Readonly<Record<string, TemplateFunction>>

/** A piped value, absent for the first command of a pipeline. */
interface Piped {
  readonly value: unknown
}

type Flow = 'next' | 'break' | 'continue'

/** Deepest nesting of `{{template}}` calls. */
const maxDepth = 10_000

/**
 * Runs a template over a value and gives the text. Plain objects stand for structs (an unknown field is an error),
 * `Map`s for Go maps (an unknown key prints `<no value>`), functions found as fields are methods. Throws
 * `invalid-argument` with Go's texts (`template: :1:2: executing "" at <.X>: can't evaluate field X in type struct`).
 */
export function executeTemplate(
  template: Template,
  value: unknown,
  functions: TemplateFunctions = {},
): string {
  return new Execution(template, functions).run(template.name, value, 0)
}

class Execution {
  readonly #template: Template
  readonly #functions: TemplateFunctions
  #out = ''

  constructor(template: Template, functions: TemplateFunctions) {
    this.#template = template
    this.#functions = functions
  }

  run(name: string, value: unknown, depth: number): string {
    this.#call(name, value, depth)
    return this.#out
  }

  #call(name: string, value: unknown, depth: number): void {
    const body = this.#template.definitions.get(name) ?? []
    new Frame(this.#template.name, this.#functions, {
      write: text => {
        this.#out += text
      },
      knows: inner => this.#template.definitions.has(inner),
      call: (inner, argument) => {
        if (depth >= maxDepth) {
          throw templateError(
            this.#template.name,
            { line: 1, column: 0 },
            `exceeded maximum template depth (${maxDepth})`,
          )
        }
        this.#call(inner, argument, depth + 1)
      },
    }).run(body, value)
  }
}

interface Output {
  readonly write: (text: string) => void
  readonly knows: (name: string) => boolean
  readonly call: (name: string, value: unknown) => void
}

/** One invocation of a template with its variables. */
class Frame {
  readonly #name: string
  readonly #functions: TemplateFunctions
  readonly #output: Output
  #variables: { readonly name: string; value: unknown }[] = []

  constructor(name: string, functions: TemplateFunctions, output: Output) {
    this.#name = name
    this.#functions = functions
    this.#output = output
  }

  run(body: readonly TemplateNode[], value: unknown): void {
    this.#variables = [{ name: '$', value }]
    this.#walk(body, value)
  }

  #walk(nodes: readonly TemplateNode[], dot: unknown): Flow {
    for (const node of nodes) {
      const flow = this.#node(node, dot)
      if (flow !== 'next') return flow
    }
    return 'next'
  }

  #node(node: TemplateNode, dot: unknown): Flow {
    switch (node.kind) {
      case 'text':
        this.#output.write(node.text)
        return 'next'
      case 'action': {
        const value = this.#pipe(node.pipe, dot)
        if (node.pipe.variables.length === 0) {
          this.#output.write(value === undefined ? '<no value>' : goString(value))
        }
        return 'next'
      }
      case 'if':
      case 'with':
        return this.#scoped(() => {
          const value = this.#pipe(node.pipe, dot)
          if (isTrue(value)) return this.#walk(node.body, node.kind === 'with' ? value : dot)
          return this.#walk(node.otherwise, dot)
        })
      case 'range':
        return this.#scoped(() => this.#range(node, dot))
      case 'template':
        if (!this.#output.knows(node.name)) {
          const source = `{{template ${quote(node.name)}}}`
          throw executionError(
            this.#name,
            { ...node.place, source },
            `template ${quote(node.name)} not defined`,
          )
        }
        this.#output.call(node.name, node.pipe === undefined ? undefined : this.#pipe(node.pipe, dot))
        return 'next'
      case 'break':
      case 'continue':
        return node.kind
      default:
        return node satisfies never
    }
  }

  #scoped(run: () => Flow): Flow {
    const depth = this.#variables.length
    const flow = run()
    this.#variables.length = depth
    return flow
  }

  #range(node: Extract<TemplateNode, { readonly body: unknown }>, dot: unknown): Flow {
    const { pipe } = node
    const items = this.#items(this.#value(pipe, dot), pipe)
    if (items.length === 0) return this.#walk(node.otherwise, dot)
    const depth = this.#variables.length
    for (const [key, item] of items) {
      const [first, second] = pipe.variables
      if (first !== undefined && second !== undefined) {
        this.#set(first, key, pipe.assign)
        this.#set(second, item, pipe.assign)
      } else if (first !== undefined) this.#set(first, item, pipe.assign)
      const flow = this.#walk(node.body, item)
      this.#variables.length = depth
      if (flow === 'break') break
    }
    return 'next'
  }

  #items(value: unknown, pipe: Pipe): readonly (readonly [unknown, unknown])[] {
    if (value === null || value === undefined) return []
    if (typeof value === 'number' || typeof value === 'bigint') {
      return Array.from({ length: Number(value) }, (_, i) => [i, i] as const)
    }
    if (typeof value === 'string')
      return Array.from(value).map((char, i) => [i, char.codePointAt(0)] as const)
    if (Array.isArray(value) || value instanceof Uint8Array) return Array.from(value, (item, i) => [i, item])
    if (typeof value === 'object' && !isStruct(value)) {
      const entries = value instanceof Map ? [...value] : Object.entries(value)
      return entries.toSorted(([a], [b]) => (a < b ? -1 : 1))
    }
    const at = pipe.commands[0]?.args[0] ?? { ...pipe, source: '' }
    throw executionError(this.#name, at, `range can't iterate over ${goString(value)}`)
  }

  #pipe(pipe: Pipe, dot: unknown): unknown {
    const value = this.#value(pipe, dot)
    for (const name of pipe.variables) this.#set(name, value, pipe.assign)
    return value
  }

  #value(pipe: Pipe, dot: unknown): unknown {
    let piped: Piped | undefined
    for (const command of pipe.commands) piped = { value: this.#command(command, dot, piped) }
    return piped?.value
  }

  #set(name: string, value: unknown, assign: boolean): void {
    const known = assign ? this.#variables.findLast(v => v.name === name) : undefined
    if (known === undefined) this.#variables.push({ name, value })
    else known.value = value
  }

  #command(command: Command, dot: unknown, piped: Piped | undefined): unknown {
    const [head, ...args] = command.args as [Operand, ...Operand[]]
    const whole = { ...head, source: command.args.map(arg => arg.source).join(' ') }
    const given = (): unknown[] => {
      const values = args.map(arg => this.#operand(arg, dot))
      return piped === undefined ? values : [...values, piped.value]
    }
    switch (head.kind) {
      case 'function':
        if (head.name === 'and' || head.name === 'or') return this.#shortCircuit(head, args, dot, piped)
        return this.#function({ ...whole, kind: 'function', name: head.name }, given())
      case 'field':
        return this.#fields(dot, head.fields, head, given())
      case 'variable':
        if (head.fields.length === 0) break
        return this.#fields(this.#variable(head.name), head.fields, head, given())
      case 'chain':
        return this.#fields(this.#operand(head.head, dot), head.fields, innermost(head), given())
      case 'dot':
      case 'nil':
      case 'literal':
      case 'pipe':
        break
      default:
        return head satisfies never
    }
    if (args.length > 0 || piped !== undefined) {
      throw executionError(this.#name, head, `can't give argument to non-function ${head.source}`)
    }
    if (head.kind === 'nil') throw executionError(this.#name, head, 'nil is not a command')
    return this.#operand(head, dot)
  }

  #operand(operand: Operand, dot: unknown): unknown {
    switch (operand.kind) {
      case 'dot':
        return dot
      case 'nil':
        return null
      case 'literal':
        return operand.value
      case 'variable':
        return this.#fields(this.#variable(operand.name), operand.fields, operand, [])
      case 'field':
        return this.#fields(dot, operand.fields, operand, [])
      case 'function':
        return this.#function(operand, [])
      case 'pipe':
        return this.#pipe(operand.pipe, dot)
      case 'chain':
        return this.#fields(this.#operand(operand.head, dot), operand.fields, innermost(operand), [])
      default:
        return operand satisfies never
    }
  }

  #variable(name: string): unknown {
    return this.#variables.findLast(v => v.name === name)?.value
  }

  #shortCircuit(
    head: Operand & { readonly kind: 'function' },
    args: readonly Operand[],
    dot: unknown,
    piped: Piped | undefined,
  ): unknown {
    const last = piped === undefined ? [] : [(): unknown => piped.value]
    const values = [...args.map(arg => (): unknown => this.#operand(arg, dot)), ...last]
    if (values.length === 0) {
      throw executionError(this.#name, head, `wrong number of args for ${head.name}: want at least 1 got 0`)
    }
    let value: unknown
    for (const next of values) {
      value = next()
      if (isTrue(value) === (head.name === 'or')) return value
    }
    return value
  }

  #function(head: Operand & { readonly kind: 'function' }, args: readonly unknown[]): unknown {
    const func = this.#functions[head.name] ?? builtins[head.name]
    if (func === undefined) {
      throw executionError(this.#name, head, `${quote(head.name)} is not a defined function`)
    }
    const least = Object.hasOwn(this.#functions, head.name) ? undefined : minimumArgs[head.name]
    const fits = least === undefined ? func.length === 0 || args.length === func.length : args.length >= least
    if (!fits) {
      const want = least === undefined ? `${func.length}` : `at least ${least}`
      const message = `wrong number of args for ${head.name}: want ${want} got ${args.length}`
      throw executionError(this.#name, { ...head, source: head.name }, message)
    }
    return this.#invoke(head, head.name, () => func(...args))
  }

  #fields(start: unknown, fields: readonly string[], at: Operand, args: readonly unknown[]): unknown {
    let value = start
    for (const [i, field] of fields.entries()) {
      value = this.#field(value, field, at, i === fields.length - 1 ? args : [])
    }
    return value
  }

  #field(value: unknown, field: string, at: Operand, args: readonly unknown[]): unknown {
    if (value === undefined) return undefined
    if (value === null) throw executionError(this.#name, at, `nil pointer evaluating interface {}.${field}`)
    if (value instanceof Map) {
      if (args.length > 0) throw executionError(this.#name, at, `${field} is not a method but has arguments`)
      return value.get(field) as unknown
    }
    const known = typeof value === 'object' && field in value && !(field in Object.prototype)
    const found = known ? (value as Readonly<Record<string, unknown>>)[field] : undefined
    if (typeof found === 'function') {
      return this.#invoke(at, field, () => (found as TemplateFunction).apply(value, [...args]))
    }
    if (!known) {
      throw executionError(this.#name, at, `can't evaluate field ${field} in type ${typeName(value)}`)
    }
    if (args.length > 0) {
      throw executionError(this.#name, at, `${field} has arguments but cannot be invoked as function`)
    }
    return found ?? null
  }

  #invoke(at: Operand, name: string, run: () => unknown): unknown {
    try {
      return run()
    } catch (error) {
      const message = isSlipwayError(error) || error instanceof Error ? error.message : goString(error)
      throw executionError(this.#name, at, `error calling ${name}: ${message}`, error)
    }
  }
}

/** Where a failing field of `(pipeline).Field` is reported: at the operand in the parentheses when it is the only one. */
function innermost(operand: Operand): Operand {
  if (operand.kind === 'chain') return innermost(operand.head)
  const only =
    operand.kind === 'pipe' && operand.pipe.commands.length === 1 ? operand.pipe.commands[0]?.args : []
  return only?.length === 1 && only[0] !== undefined ? innermost(only[0]) : operand
}
