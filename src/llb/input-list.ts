import { knownOutput, type Output, type Vertex } from './vertex.ts'

/** An input of an op on the wire. */
export interface Input {
  readonly digest: string
  readonly index: bigint
}

/** Collects the inputs of one op, each once. */
export class InputList {
  readonly #inputs: Input[] = []
  readonly #digestOf: (vertex: Vertex) => Input

  /** `digestOf` gives digest and first output of a vertex that is marshalled already. */
  constructor(digestOf: (vertex: Vertex) => Input) {
    this.#digestOf = digestOf
  }

  get inputs(): readonly Input[] {
    return this.#inputs
  }

  /** The index of an output in the list; -1 for the empty tree. */
  add(output: Output | undefined): number {
    const input = this.#resolve(output)
    if (input === undefined) return -1
    const found = this.#inputs.findIndex(i => i.digest === input.digest && i.index === input.index)
    return found >= 0 ? found : this.#inputs.push(input) - 1
  }

  /** Adds an output even where it is in the list already (merge counts positions). */
  append(output: Output): number {
    const input = this.#resolve(output)
    return input === undefined ? -1 : this.#inputs.push(input) - 1
  }

  #resolve(output: Output | undefined): Input | undefined {
    const known = knownOutput(output)
    if (known === undefined) return undefined
    const root = this.#digestOf(known.vertex)
    if (root.digest === '') return undefined
    return { digest: root.digest, index: root.index + BigInt(known.index) }
  }
}
