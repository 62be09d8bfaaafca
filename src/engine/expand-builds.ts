import { clone, create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { digestOf } from '../oci/digest.ts'
import { type BuildOp, type Definition, DefinitionSchema, type Op, OpSchema } from '../proto/gen/ops_pb.ts'

/** The only builder there is: the file is LLB. Source: https://github.com/moby/buildkit/blob/v0.32.2/solver/pb/const.go */
const llbBuilder = -1n
const definitionInput = 'buildkit.llb.definition'
const filenameAttribute = 'llbbuild.filename'

/** Definitions that bring definitions; more of them are a circle. */
const deepest = 20

/** Reads a file of the tree that a definition describes. */
export type ReadFile = (definition: Definition, path: string) => Promise<Uint8Array>

/**
 * A definition in which build ops are replaced by the graphs that they stand for: LLB in a file that the build itself
 * makes. All that applies to a definition applies to those too. The same definition where there are none. Throws
 * `invalid-argument`, and what making the file throws.
 */
export async function expandBuilds(definition: Definition, read: ReadFile): Promise<Definition> {
  let current = definition
  for (let i = 0; ; i++) {
    const ops = new Map(current.def.map(bytes => [digestOf(bytes) as string, fromBinary(OpSchema, bytes)]))
    const found = [...ops].find(([, op]) => op.op.case === 'build')
    if (found === undefined) return current
    if (i >= deepest) throw new SlipwayError('invalid-argument', 'invalid LLB: too many nested build ops')
    const [digest, op] = found
    const file = await read(inputOf(op, current), filenameOf(op))
    current = splice(current, ops, digest, parse(file))
  }
}

function buildOf(op: Op): BuildOp {
  if (op.op.case !== 'build') throw new SlipwayError('internal', 'not a build op')
  return op.op.value
}

function filenameOf(op: Op): string {
  return buildOf(op).attrs[filenameAttribute] ?? definitionInput
}

/** What the build op takes its file from. */
function inputOf(op: Op, definition: Definition): Definition {
  const build = buildOf(op)
  if (build.builder !== llbBuilder) {
    throw new SlipwayError('invalid-argument', 'only LLB builder is currently allowed')
  }
  const named = build.inputs[definitionInput]
  if (named === undefined) {
    throw new SlipwayError('invalid-argument', `no llb definition input ${definitionInput} found`)
  }
  const input = op.inputs[Number(named.input)]
  if (input === undefined) throw new SlipwayError('invalid-argument', `invalid index ${named.input}`)
  const terminal = toBinary(OpSchema, create(OpSchema, { inputs: [input] }))
  return create(DefinitionSchema, { ...definition, def: [...definition.def.slice(0, -1), terminal] })
}

function parse(bytes: Uint8Array): Definition {
  try {
    return fromBinary(DefinitionSchema, bytes)
  } catch (e) {
    throw wrapError(
      'failed to parse llb definition',
      new SlipwayError('invalid-argument', String(e), { cause: e }),
    )
  }
}

/** Replaces an op by what another definition describes. */
function splice(
  outer: Definition,
  ops: ReadonlyMap<string, Op>,
  replaced: string,
  inner: Definition,
): Definition {
  const last = inner.def.at(-1)
  const root = last === undefined ? undefined : fromBinary(OpSchema, last).inputs[0]
  if (root === undefined) throw new SlipwayError('invalid-argument', 'invalid empty definition')
  const renamed = new Map<string, string>()
  const written = new Map(inner.def.slice(0, -1).map(bytes => [digestOf(bytes) as string, bytes]))
  const metadata = { ...inner.metadata }
  const visit = (digest: string): string => {
    const known = renamed.get(digest)
    if (known !== undefined) return known
    const op = ops.get(digest)
    if (op === undefined) throw new SlipwayError('invalid-argument', `invalid missing input digest ${digest}`)
    const copy = clone(OpSchema, op)
    for (const input of copy.inputs) {
      if (input.digest === replaced) Object.assign(input, { digest: root.digest, index: root.index })
      else input.digest = visit(input.digest)
    }
    const bytes = toBinary(OpSchema, copy)
    const fresh = digestOf(bytes)
    renamed.set(digest, fresh)
    written.set(fresh, bytes)
    const own = outer.metadata[digest]
    if (own !== undefined) metadata[fresh] = own
    return fresh
  }
  const terminal = outer.def.at(-1)
  if (terminal === undefined) return outer
  const end = visit(digestOf(terminal))
  const bytes = written.get(end)
  written.delete(end)
  const locations = Object.entries(outer.Source?.locations ?? {}).map(([digest, one]) => [
    renamed.get(digest) ?? digest,
    one,
  ])
  return create(DefinitionSchema, {
    def: [...written.values(), ...(bytes === undefined ? [] : [bytes])],
    metadata,
    ...(outer.Source === undefined
      ? {}
      : { Source: { ...outer.Source, locations: Object.fromEntries(locations) } }),
  })
}
