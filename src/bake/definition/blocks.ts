import { SlipwayError } from '../../errors/slipway-error.ts'
import type { Block, BodyContent } from '../../hcl/body.ts'
import { type Diagnostics, DiagnosticsError } from '../../hcl/diagnostic.ts'
import type { EvalContext } from '../../hcl/eval/context.ts'
import { type Expression, expressionStart } from '../../hcl/expression.ts'
import type { Traversal } from '../../hcl/syntax/expression.ts'
import { evaluate } from '../../hcl/eval/evaluate.ts'
import { ConversionError, convertValue } from '../../hcl/value/convert.ts'
import { stringType } from '../../hcl/value/type.ts'
import { takeSize } from '../../hcl/value/limit.ts'
import { asText, mapValue, objectValue, type Value } from '../../hcl/value/value.ts'
import { isSlipwayError } from '../../errors/slipway-error.ts'
import { quote as goQuote } from '../../gostd/quote.ts'
import { type AttributeSchema, type BlockFields, groupSchema, targetSchema } from './block-schema.ts'
import { groupValue, targetValue } from './block-value.ts'
import { asDiagnostics } from './evaluation-error.ts'
import { matrixContexts } from './matrix.ts'
import type { Names } from './names.ts'
import { checkTargetName } from '../target-name.ts'

/** One evaluation of a block: a target, a group, or one target of a matrix. */
export interface Instance {
  readonly context: EvalContext
  readonly fields: BlockFields
  /** Attributes that have been evaluated. */
  readonly done: Set<string>
  /** Attributes that are being evaluated, to find cycles. */
  readonly started: Set<string>
  name: string
}

const schemas: Readonly<Record<string, readonly AttributeSchema[]>> = {
  group: groupSchema,
  target: targetSchema,
}

interface Known {
  readonly seen: Map<string, Value>
  readonly unseen: Map<string, BlockFields>
}

/** Evaluates `target` and `group` blocks, attribute by attribute where other blocks refer to single ones. */
export class Blocks {
  readonly #names: () => Names
  readonly #instances = new Map<Block, readonly Instance[]>()
  readonly #named = new Map<string, Block[]>()
  /** Blocks by type and name: as expressions see them, and those that they do not see yet as they are. */
  readonly #known = new Map<string, Known>()
  /** Set when blocks begin to get names: from then on their types are no names of variables. */
  typesKnown = false
  /** Set once all blocks have names; until then no expression can refer to one. */
  ready = false

  constructor(names: () => Names) {
    this.#names = names
  }

  /** Resolves a reference such as `target.x.args`; false when it does not begin with a block type. */
  resolveReference(traversal: Traversal, e: Expression): boolean {
    const [root, name, attribute] = traversal
    if (!this.typesKnown || root?.kind !== 'root' || !Object.hasOwn(schemas, root.name)) return false
    const wrong = (detail: string): DiagnosticsError =>
      new DiagnosticsError([{ summary: 'Invalid expression', detail, subject: e.range, context: e.range }])
    if (name === undefined) throw wrong(`cannot access ${root.name} as a variable`)
    if (name.kind !== 'attribute') throw wrong(`cannot traverse ${root.name} without attribute`)
    if (!this.ready) return true
    const only = attribute?.kind === 'attribute' ? attribute.name : undefined
    for (const block of this.#named.get(`${root.name}.${name.name}`) ?? []) this.resolve(block, only)
    this.#show(root.name, name.name)
    return true
  }

  /** Gives the block its names, one for each target of its matrix. */
  nameBlock(block: Block): readonly string[] {
    const label = block.labels[0] as string
    this.#declare(block.type)
    const instances = this.instances(block)
    for (const instance of instances) {
      checkTargetName(label)
      instance.name = this.#instanceName(block, label, instance.context)
      checkTargetName(instance.name)
    }
    const seen = new Set<string>()
    for (const { name } of instances) {
      if (seen.has(name)) throw new SlipwayError('invalid-argument', `duplicate name ${goQuote(name)}`)
      seen.add(name)
      const key = `${block.type}.${name}`
      this.#named.set(key, [...(this.#named.get(key) ?? []), block])
    }
    return [...seen]
  }

  #instanceName(block: Block, label: string, context: EvalContext): string {
    const attributes = blockAttributes(block, ['name', 'matrix']).attributes
    const name = attributes.get('name')
    if (block.type === 'group') {
      if (name !== undefined) throw new SlipwayError('invalid-argument', 'name is not supported for groups')
      return label
    }
    if (name === undefined) return label
    if (!attributes.has('matrix')) throw new SlipwayError('invalid-argument', 'name requires matrix')
    this.#names().load(name.expression, context, true)
    const value = convertValue(this.#names().evaluate(name.expression, context), stringType)
    if (typeof value.content !== 'string')
      throw new SlipwayError('invalid-argument', 'name must be a known string')
    return asText(value)
  }

  /** The evaluations of a block; making them needs the value of its matrix. */
  instances(block: Block): readonly Instance[] {
    const made = this.#instances.get(block)
    if (made !== undefined) return made
    const matrix = blockAttributes(block, ['matrix']).attributes.get('matrix')?.expression
    const names = this.#names()
    if (matrix !== undefined) {
      if (block.type === 'group')
        throw new SlipwayError('invalid-argument', 'matrix is not supported for groups')
      names.load(matrix, names.scope, true)
    }
    const diagnostics: Diagnostics = []
    let contexts: readonly EvalContext[]
    try {
      contexts = matrixContexts(block, matrix, names.scope, diagnostics)
    } catch (e) {
      if (isSlipwayError(e)) throw e
      throw asDiagnostics(e, 'Invalid expression', matrix?.range, matrix?.range)
    }
    if (diagnostics.length > 0) throw new DiagnosticsError(diagnostics)
    const name = block.labels[0] as string
    const instances = contexts.map(
      (context): Instance => ({ context, fields: {}, done: new Set(), started: new Set(), name }),
    )
    this.#instances.set(block, instances)
    return instances
  }

  /** Evaluates all attributes of a block that are not evaluated yet, or only the one named. */
  resolve(block: Block, only?: string): void {
    this.#declare(block.type)
    for (const instance of this.instances(block)) {
      if (only !== undefined) {
        if (instance.done.has(only)) return
        if (instance.started.has(only)) {
          throw new SlipwayError(
            'invalid-argument',
            `reference cycle not allowed for ${block.type}.${instance.name}.${only}`,
          )
        }
        instance.started.add(only)
      }
      this.#decode(block, instance, only)
      this.#publish(block, instance)
    }
  }

  /** Makes the name of a type of blocks known, before anything is known of the blocks. */
  #declare(type: string): void {
    const { variables } = this.#names().scope
    if (!variables.has(type)) variables.set(type, mapValue(new Map(), stringType))
  }

  #decode(block: Block, instance: Instance, only: string | undefined): void {
    const wanted = (schemas[block.type] as readonly AttributeSchema[]).filter(a =>
      only === undefined ? !instance.done.has(a.name) : a.name === only,
    )
    const diagnostics: Diagnostics = []
    const schema = {
      attributes: wanted.map(({ name, required }) => ({ name, required: required === true })),
      blocks: [],
    }
    const { content } = block.body.partialContent(schema, diagnostics)
    if (diagnostics.length > 0) throw new DiagnosticsError(diagnostics)
    for (const attribute of content.attributes.values())
      this.#names().load(attribute.expression, instance.context, true)
    for (const { name, decode } of wanted) {
      const attribute = content.attributes.get(name)
      if (attribute !== undefined) decodeAttribute(attribute.expression, instance, decode, diagnostics)
    }
    if (diagnostics.length > 0) throw new DiagnosticsError(diagnostics)
    for (const name of content.attributes.keys()) instance.done.add(name)
    if (only !== undefined) instance.done.add(only)
  }

  /** Keeps what is known of the block for expressions that refer to it. */
  #publish(block: Block, { name, fields }: Instance): void {
    const known = this.#known.get(block.type) ?? { seen: new Map<string, Value>(), unseen: new Map() }
    this.#known.set(block.type, known)
    known.unseen.set(name, fields)
  }

  /**
   * Makes what is known of all blocks of a type visible, unless what is known of this one is. Each time costs as much as
   * there are blocks, so it is not done for every block.
   */
  #show(type: string, name: string): void {
    const known = this.#known.get(type)
    if (known === undefined || known.unseen.size === 0) return
    if (known.seen.has(name) && !known.unseen.has(name)) return
    const { variables, budget } = this.#names().scope
    takeSize(budget, (known.seen.size + known.unseen.size) * showCost)
    for (const [unseen, fields] of known.unseen)
      known.seen.set(unseen, type === 'group' ? groupValue(unseen, fields) : targetValue(unseen, fields))
    variables.set(type, objectValue(known.seen))
    known.unseen.clear()
  }
}

/** Characters that showing one more block to expressions counts as, in time. */
const showCost = 64

function blockAttributes(block: Block, names: readonly string[]): BodyContent {
  const diagnostics: Diagnostics = []
  const { content } = block.body.partialContent(
    { attributes: names.map(name => ({ name })), blocks: [] },
    diagnostics,
  )
  if (diagnostics.length > 0) throw new DiagnosticsError(diagnostics)
  return content
}

function decodeAttribute(
  e: Expression,
  instance: Instance,
  decode: AttributeSchema['decode'],
  diagnostics: Diagnostics,
): void {
  try {
    decode(evaluate(e, instance.context, diagnostics), instance.fields)
  } catch (error) {
    if (!(error instanceof ConversionError || isSlipwayError(error)))
      throw asDiagnostics(error, 'Invalid expression', e.range, e.range)
    const detail = `Unsuitable value: ${error.message}`
    diagnostics.push({
      summary: 'Unsuitable value type',
      detail,
      subject: expressionStart(e),
      context: e.range,
    })
  }
}
