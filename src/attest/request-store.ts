import { fromBinary } from '@bufbuild/protobuf'
import { type Definition, OpSchema } from '../proto/gen/ops_pb.ts'
import { type RequestRecord, sameRequest } from './request.ts'

/**
 * Which request made a graph, while its build is open: a graph that comes back as the input of another request is told
 * by what made it. Behaviour: https://github.com/moby/buildkit/blob/v0.32.2/solver/llbsolver/provenance_store.go
 */
export class RequestStore {
  readonly #records = new Map<string, Set<RequestRecord>>()

  /** Remembers a graph's request until the answer is disposed. */
  register(definition: Definition, request: RequestRecord): Disposable {
    const head = headDigest(definition)
    if (head === undefined) return { [Symbol.dispose]: () => undefined }
    const records = this.#records.get(head) ?? new Set()
    this.#records.set(head, records.add(request))
    return {
      [Symbol.dispose]: () => {
        records.delete(request)
        if (records.size === 0 && this.#records.get(head) === records) this.#records.delete(head)
      },
    }
  }

  /** The request that made a graph; undefined where none is known, or different ones. */
  lookUp(definition: Definition): RequestRecord | undefined {
    const head = headDigest(definition)
    const [first, ...others] = [...(this.#records.get(head ?? '') ?? [])].map(withoutRoot)
    return others.every(other => sameRequest(first, other)) ? first : undefined
  }
}

function withoutRoot({ root: _root, ...request }: RequestRecord): RequestRecord {
  return request
}

/** Digest of what the last operation of a definition points to. */
function headDigest({ def }: Definition): string | undefined {
  const last = def.at(-1)
  return last === undefined ? undefined : fromBinary(OpSchema, last).inputs[0]?.digest
}
