import type { Attribute, Block, Body } from '../../hcl/body.ts'
import { type Diagnostic, type Diagnostics, DiagnosticsError } from '../../hcl/diagnostic.ts'
import { standardFunctions, type FunctionHost } from '../../hcl/functions/standard-functions.ts'
import { traversalOf } from '../../hcl/eval/static.ts'
import { newBudget } from '../../hcl/value/limit.ts'
import { numberText } from '../../hcl/value/format-float.ts'
import { valueToJson } from '../../hcl/value/json-value.ts'
import { isPrimitive, type Type } from '../../hcl/value/type.ts'
import { constraintName } from '../../hcl/value/type-name.ts'
import { asFloat, asText, isNull, stringValue, type Value } from '../../hcl/value/value.ts'
import { mergeTarget } from '../merge-target.ts'
import type { Definition, Group, PathBases, Target, Variable } from '../target.ts'
import { fileFolder } from '../path-bases.ts'
import { Blocks } from './blocks.ts'
import { asDiagnostics } from './evaluation-error.ts'
import { readInputs, type VariableBlock, withoutInputs } from './inputs.ts'
import { Names } from './names.ts'
import { validateVariables } from './validate-variables.ts'

/** What an HCL definition is evaluated with. */
export interface EvaluationOptions {
  /** Variables that exist without being declared (`BAKE_CMD_CONTEXT`, …). */
  readonly builtins: ReadonlyMap<string, string>
  /** `--var` and the environment. */
  readonly lookup: (name: string) => string | undefined
  readonly functions: FunctionHost
}

/** Groups and targets of HCL files, the new names of targets with a matrix already grouped. */
export interface EvaluatedDefinition extends Definition {
  /** Groups that matrix targets make: their label and the names of their targets. */
  readonly renamed: readonly Group[]
}

const blockTypes = ['group', 'target'] as const

/**
 * Evaluates the merged body of all HCL and JSON files on top of what compose files defined. Throws a `DiagnosticsError`.
 * Source: https://github.com/docker/buildx/blob/v0.36.1/docs/bake-reference.md.
 */
export function evaluateDefinition(
  body: Body,
  base: Definition,
  options: EvaluationOptions,
): EvaluatedDefinition {
  const diagnostics: Diagnostics = []
  const inputs = readInputs(body, diagnostics)
  fail(diagnostics)
  const reserved = new Set<string>([...blockTypes, ...options.builtins.keys()])
  for (const name of reserved) {
    inputs.variables.delete(name)
    inputs.functions.delete(name)
  }
  const blockSchema = { attributes: [], blocks: blockTypes.map(type => ({ type, labels: ['name'] })) }
  const { content, remain } = body.partialContent(blockSchema, diagnostics)
  fail(diagnostics)
  const globals = readGlobals(withoutInputs(remain, diagnostics), reserved)

  const names: Names = new Names(
    {
      ...inputs,
      globals,
      lookup: options.lookup,
      resolveBlock: (traversal, e) => blocks.resolveReference(traversal, e),
    },
    { variables: new Map(), functions: standardFunctions(options.functions), budget: newBudget() },
  )
  const blocks = new Blocks(() => names)
  for (const [name, value] of options.builtins) names.scope.variables.set(name, stringValue(value))

  const variables = [...inputs.variables.values()].map(v => resolveVariable(v, names))
  validateVariables(inputs.variables.values(), names)
  for (const f of inputs.functions.values()) {
    const params = f.params?.range
    guard('Invalid function', params ?? f.block.labelRanges[0], params ?? f.block.definition, () =>
      names.resolveFunction(f.name, names.scope),
    )
  }
  blocks.typesKnown = true
  const renamed = nameBlocks(content.blocks, blocks)
  blocks.ready = true
  const { groups, targets } = evaluateBlocks(content.blocks, blocks, base)
  for (const a of globals.values())
    guard('Invalid attribute', a.range, a.range, () => names.resolveValue(a.name, names.scope))
  return { groups, targets, variables, renamed }
}

function fail(diagnostics: readonly Diagnostic[]): void {
  if (diagnostics.length > 0) throw new DiagnosticsError(diagnostics)
}

function guard<T>(
  summary: string,
  subject: Attribute['range'] | undefined,
  context: Attribute['range'] | undefined,
  body: () => T,
): T {
  try {
    return body()
  } catch (e) {
    throw asDiagnostics(e, summary, subject, context)
  }
}

/** Top-level attributes. Unknown blocks, and attributes set in several files (the last counts), are let pass. */
function readGlobals(remain: Body, reserved: ReadonlySet<string>): Map<string, Attribute> {
  const diagnostics: Diagnostics = []
  const attributes = remain.justAttributes(diagnostics)
  fail(
    diagnostics.filter(
      d => d.detail !== 'Blocks are not allowed here.' && !d.detail.startsWith('Argument "'),
    ),
  )
  for (const name of [...reserved, 'function']) attributes.delete(name)
  return attributes
}

function resolveVariable(v: VariableBlock, names: Names): Variable {
  const place = v.body.missingItemRange()
  guard('Invalid value', place, place, () => names.resolveValue(v.name, names.scope))
  const value = names.scope.variables.get(v.name) as Value
  const type = names.declared.get(v.name)
  const text = isNull(value) ? undefined : variableText(value, type)
  return {
    name: v.name,
    description: v.description,
    ...(type === undefined ? {} : { type: constraintName(type) }),
    ...(text === undefined ? {} : { value: text }),
  }
}

function variableText(value: Value, type: Type | undefined): string {
  if (type?.kind === 'string') return safeJson(value, type).replace(/^"+|"+$/g, '')
  if (type !== undefined) return safeJson(value, type)
  if (value.type.kind === 'string') return asText(value)
  if (isPrimitive(value.type))
    return value.type.kind === 'number' ? numberText(asFloat(value)) : String(value.content as boolean)
  return safeJson(value, value.type)
}

function safeJson(value: Value, type: Type): string {
  try {
    return valueToJson(value, type)
  } catch {
    return ''
  }
}

/** Names all blocks; targets whose names differ from their label come back as groups of that label. */
function nameBlocks(all: readonly Block[], blocks: Blocks): Group[] {
  const renamed = new Map<string, string[]>()
  for (const block of all) {
    const [place] = block.labelRanges
    const names = guard('Invalid name', place, place, () => blocks.nameBlock(block))
    const label = block.labels[0] as string
    const key = `${block.type}.${label}`
    renamed.set(key, [...new Set([...(renamed.get(key) ?? []), ...names])])
  }
  return [...renamed].flatMap(([key, targets]) => {
    const name = key.slice(key.indexOf('.') + 1)
    return targets.length === 0 || (targets.length === 1 && targets[0] === name)
      ? []
      : [{ name, description: '', targets }]
  })
}

function evaluateBlocks(
  all: readonly Block[],
  blocks: Blocks,
  base: Definition,
): { groups: readonly Group[]; targets: readonly Target[] } {
  const groups = new Map(base.groups.map(g => [g.name, g]))
  const targets = new Map(base.targets.map(t => [t.name, t]))
  const diagnostics: Diagnostics = []
  for (const block of all) {
    try {
      guard('Invalid block', block.labelRanges[0], block.definition, () => blocks.resolve(block))
    } catch (e) {
      if (!(e instanceof DiagnosticsError)) throw e
      for (const d of e.diagnostics) diagnostics.push(d)
      continue
    }
    for (const { name, fields } of blocks.instances(block)) {
      if (block.type === 'group') {
        const { description = '', targets: members } = fields
        groups.set(name, {
          name,
          description,
          targets: members ?? [],
          ...(members === undefined ? { isNull: true } : {}),
        })
      } else {
        const target: Target = { ...fields, name, bases: basesOf(block, fields) }
        const existing = targets.get(name)
        targets.set(name, existing === undefined ? target : mergeTarget(existing, target))
      }
    }
  }
  fail(diagnostics)
  return { groups: [...groups.values()], targets: [...targets.values()] }
}

/** Where relative context paths of the block start when they are relative to its file. */
function basesOf(block: Block, fields: Omit<Target, 'name'>): PathBases {
  const folder = fileFolder(block.definition.filename) ?? ''
  const schema = { attributes: [{ name: 'context' }, { name: 'contexts' }], blocks: [] }
  const { attributes } = block.body.partialContent(schema, []).content
  const context = attributes.get('context')
  const path = context && traversalOf(context.expression)
  const [root, target, field] = path ?? []
  const isContext =
    path?.length === 3 &&
    root?.kind === 'root' &&
    root.name === 'target' &&
    field?.kind === 'attribute' &&
    field.name === 'context'
  const name =
    target?.kind === 'attribute'
      ? target.name
      : target?.kind === 'index' && typeof target.key.content === 'string'
        ? target.key.content
        : undefined
  return {
    byDefault: folder,
    ...(context === undefined ? {} : { context: folder }),
    ...(isContext && name !== undefined ? { contextOf: name } : {}),
    ...(attributes.has('contexts')
      ? { contexts: new Map([...(fields.contexts?.keys() ?? [])].map(k => [k, folder])) }
      : {}),
  }
}
