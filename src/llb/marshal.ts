import { create, toBinary } from '@bufbuild/protobuf'
import { digestOf } from '../oci/digest.ts'
import { type Definition, DefinitionSchema, OpSchema } from '../proto/gen/ops_pb.ts'
import { capability } from './capability.ts'
import { importDefinition } from './import-definition.ts'
import { type Input, InputList } from './input-list.ts'
import { marshalOp, needsUniqueId, type OpDefaults, type OpVertex } from './marshal-op.ts'
import { MetadataTable } from './metadata-table.ts'
import { SourceTable } from './source-table.ts'
import { type ImportedVertex, knownOutput, type Output, type Vertex } from './vertex.ts'

/** How a graph becomes a definition. */
export interface MarshalOptions extends OpDefaults {
  /** The daemon sets PATH where a step has none. Otherwise nothing is said of it. */
  readonly setsDefaultPath?: boolean
}

/**
 * The definition of a graph, bytes and order as Go's client makes them: inputs before the ops that need them, equal ops
 * once, and an op with nothing but its input at the end. The empty tree gives an empty definition.
 * Throws `invalid-argument` for ops that make no sense.
 */
export function marshal(output: Output | undefined, options: MarshalOptions): Definition {
  const known = knownOutput(output)
  if (known === undefined) return create(DefinitionSchema)
  const graph = new GraphWriter(options)
  const root = graph.write(known.vertex)
  if (root.digest === '') return create(DefinitionSchema)
  return graph.finish({ digest: root.digest, index: root.index + BigInt(known.index) })
}

class GraphWriter {
  readonly #options: MarshalOptions
  readonly #written = new Map<Vertex, Input>()
  readonly #ops = new Map<string, Uint8Array>()
  readonly #metadata = new MetadataTable()
  readonly #sources = new SourceTable()

  constructor(options: MarshalOptions) {
    this.#options = options
  }

  /** Writes a vertex after its inputs. Walks without recursion, so that long chains do no harm. */
  write(root: Vertex): Input {
    const path: { vertex: Vertex; inputs: Vertex[] }[] = [{ vertex: root, inputs: inputsOf(root) }]
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const next = top.inputs.shift()
      if (next === undefined) {
        if (!this.#written.has(top.vertex)) this.#written.set(top.vertex, this.#writeOne(top.vertex))
        path.pop()
      } else if (!this.#written.has(next)) path.push({ vertex: next, inputs: inputsOf(next) })
    }
    return this.#written.get(root) as Input
  }

  finish(root: Input): Definition {
    const terminal = toBinary(OpSchema, create(OpSchema, { inputs: [root] }))
    const capabilities = [capability.constraints, capability.platform, ...this.#metadata.usedCapabilities()]
    this.#metadata.add(digestOf(terminal), { capabilities })
    return create(DefinitionSchema, {
      def: [...this.#ops.values(), terminal],
      metadata: this.#metadata.toWire(),
      Source: this.#sources.toWire(),
    })
  }

  #writeOne(vertex: Vertex): Input {
    return vertex.kind === 'imported' ? this.#writeImported(vertex) : this.#writeOp(vertex)
  }

  #writeOp(vertex: OpVertex): Input {
    const inputs = new InputList(input => this.#written.get(input) as Input)
    const bytes = marshalOp(vertex, inputs, this.#options)
    const digest = digestOf(bytes)
    const capabilities = [...vertex.metadata.capabilities]
    if (vertex.kind === 'source' && needsUniqueId(vertex)) capabilities.push(capability.sourceLocalUnique)
    if (vertex.kind === 'exec' && this.#options.setsDefaultPath) {
      capabilities.push(capability.execMetaSetsDefaultPath)
    }
    this.#metadata.add(digest, { ...vertex.metadata, capabilities })
    this.#sources.add(digest, vertex.metadata.locations ?? [])
    if (!this.#ops.has(digest)) this.#ops.set(digest, bytes)
    return { digest, index: 0n }
  }

  #writeImported(vertex: ImportedVertex): Input {
    const imported = importDefinition(vertex.definition)
    for (const [digest, bytes] of imported.ops) if (!this.#ops.has(digest)) this.#ops.set(digest, bytes)
    for (const [digest, metadata] of imported.metadata) this.#metadata.addWire(digest, metadata)
    for (const [digest, locations] of imported.locations) this.#sources.add(digest, locations)
    return imported.root
  }
}

/** Vertices that must be written before; in the order in which Go's client walks them. */
function inputsOf(vertex: Vertex): Vertex[] {
  const outputs = outputsUsedBy(vertex).map(knownOutput)
  return [...new Set(outputs.filter(output => output !== undefined).map(output => output.vertex))]
}

function outputsUsedBy(vertex: Vertex): (Output | undefined)[] {
  switch (vertex.kind) {
    case 'source':
    case 'imported':
      return []
    case 'exec':
      return vertex.mounts.map(mount => mount.source)
    case 'file':
      return [
        vertex.base,
        ...vertex.actions.map(action => (action.kind === 'copy' ? action.from : undefined)).reverse(),
      ]
    case 'merge':
      return [...vertex.inputs]
    case 'diff':
      return [vertex.lower, vertex.upper]
  }
}
