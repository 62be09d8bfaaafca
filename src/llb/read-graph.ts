import { SlipwayError } from '../errors/slipway-error.ts'
import { digestOf } from '../oci/digest.ts'
import type { Definition, Op, OpMetadata } from '../proto/gen/ops_pb.ts'
import { checkOp, outputCount } from './check-op.ts'
import { decodeOp } from './head.ts'

/** One output of a node. */
export interface GraphEdge {
  readonly node: GraphNode
  readonly index: number
}

/** An op of a definition with what it needs. */
export interface GraphNode {
  readonly digest: string
  readonly op: Op
  readonly metadata: OpMetadata | undefined
  readonly inputs: readonly GraphEdge[]
  readonly outputs: number
}

/** A definition that makes sense. */
export interface Graph {
  readonly root: GraphEdge
  /** What the root needs, every node after its inputs. */
  readonly nodes: readonly GraphNode[]
}

/** What a reader insists on. */
export interface ReadGraphOptions {
  /** Abilities that are there; a definition that asks for others is refused. Undefined: anything goes. */
  readonly capabilities?: ReadonlySet<string>
}

/** Ops of one definition. No Dockerfile comes near; a loop over a hostile definition must end. */
const maxOps = 100_000

/**
 * Reads a definition that nobody vouches for: every op is parsed and checked, every input exists and is an output of its
 * op. Cycles cannot be written, as a digest covers the digests of the inputs. Undefined for the empty definition.
 * Throws `invalid-argument`, and `unimplemented` for abilities that are missing.
 */
export function readGraph(definition: Definition, options: ReadGraphOptions = {}): Graph | undefined {
  if (definition.def.length === 0) return undefined
  if (definition.def.length > maxOps) throw invalid(`invalid LLB with ${definition.def.length} vertexes`)
  checkCapabilities(definition, options.capabilities)
  const ops = new Map(definition.def.map(bytes => [digestOf(bytes) as string, decodeOp(bytes)]))
  const terminal = [...ops.values()].at(-1) as Op
  const [input, ...more] = terminal.inputs
  if (terminal.op.case !== undefined || input === undefined || more.length > 0) {
    throw invalid('invalid LLB: the last op must have one input and no body')
  }
  const reader = new GraphReader(definition, ops)
  const node = reader.read(input.digest)
  return { root: edgeTo(node, input.index, 0), nodes: reader.nodes }
}

class GraphReader {
  readonly nodes: GraphNode[] = []
  readonly #definition: Definition
  readonly #ops: ReadonlyMap<string, Op>
  readonly #read = new Map<string, GraphNode>()

  constructor(definition: Definition, ops: ReadonlyMap<string, Op>) {
    this.#definition = definition
    this.#ops = ops
  }

  /** Reads an op after its inputs; without recursion, as a hostile chain may be long. */
  read(root: string): GraphNode {
    const path = [{ digest: root, next: 0 }]
    const open = new Set([root])
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const op = this.#op(top.digest)
      const input = op.inputs[top.next++]
      if (input === undefined) {
        this.#finish(top.digest, op)
        open.delete(top.digest)
        path.pop()
      } else if (!this.#read.has(input.digest)) {
        if (open.has(input.digest)) throw invalid(`invalid LLB: op ${input.digest} needs itself`)
        open.add(input.digest)
        path.push({ digest: input.digest, next: 0 })
      }
    }
    return this.#read.get(root) as GraphNode
  }

  #op(digest: string): Op {
    const op = this.#ops.get(digest)
    if (op === undefined) throw invalid(`invalid missing input digest ${digest}`)
    return op
  }

  #finish(digest: string, op: Op): void {
    if (this.#read.has(digest)) return
    checkOp(op)
    const inputs = op.inputs.map((input, i) =>
      edgeTo(this.#read.get(input.digest) as GraphNode, input.index, i),
    )
    const { metadata } = this.#definition
    const known = Object.hasOwn(metadata, digest) ? metadata[digest] : undefined
    const node = { digest, op, metadata: known, inputs, outputs: outputCount(op) }
    this.#read.set(digest, node)
    this.nodes.push(node)
  }
}

function edgeTo(node: GraphNode, index: bigint, position: number): GraphEdge {
  if (index < 0n || index >= BigInt(node.outputs)) {
    throw invalid(`invalid input ${position} output index ${index}`)
  }
  return { node, index: Number(index) }
}

function checkCapabilities(definition: Definition, known: ReadonlySet<string> | undefined): void {
  if (known === undefined) return
  for (const { caps } of Object.values(definition.metadata)) {
    const missing = Object.keys(caps).find(name => caps[name] === true && !known.has(name))
    if (missing === undefined) continue
    throw new SlipwayError('unimplemented', `unknown API capability ${missing}`)
  }
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('invalid-argument', message)
}
