import { SlipwayError } from '../errors/slipway-error.ts'
import type { LocalRef, Ref } from '../snapshot/ref.ts'
import { wasTorn } from './torn-read.ts'

/** A directory that is read in place. */
export const isLive = (ref: Ref): ref is LocalRef => ref.kind === 'local'

/** Computes the content key of what an op selects of a tree. */
export type ComputeKey = (ref: Ref) => Promise<string>

interface LiveInput {
  readonly ref: LocalRef
  readonly key: string
  readonly compute: ComputeKey
}

/** How often a directory is looked at anew whose files went away while they were read. */
const mostAttempts = 5

/**
 * Inputs of one op that somebody may change meanwhile: directories of clients, which are read in place and not copied
 * first. What the op made of them belongs to their content key only if the key is still the same afterwards; where it is
 * not, the op works on copies, and their keys count.
 */
export class LiveInputs {
  readonly #inputs = new Map<number, LiveInput>()
  readonly #taken = new Map<number, string>()

  /** Computes the content key of an input, and keeps how to do it again where the input is live. */
  async key(index: number, ref: Ref, compute: ComputeKey): Promise<string> {
    if (!isLive(ref)) return await compute(ref)
    const key = await computeUntorn(ref, compute)
    this.#inputs.set(index, { ref, key, compute })
    this.#taken.delete(index)
    return key
  }

  /** Whether an input is not what its key says any more. */
  async changed(): Promise<boolean> {
    for (const { ref, key, compute } of this.#inputs.values()) {
      const now = await compute(ref).catch(() => undefined) // what it selected is not there any more
      if (now !== key) return true
    }
    return false
  }

  /** Has `copy` make trees of the inputs that do not change any more, and answers them by their indexes. */
  async settle(copy: (ref: LocalRef) => Promise<Ref>): Promise<ReadonlyMap<number, Ref>> {
    const copies = new Map<number, Ref>()
    for (const [index, { ref, compute }] of this.#inputs) {
      const still = await copy(ref)
      this.#taken.set(index, await compute(still))
      copies.set(index, still)
    }
    return copies
  }

  /** The content key of an input as the op took it, where that is not what the key was before. */
  taken(index: number): string | undefined {
    return this.#taken.get(index)
  }
}

async function computeUntorn(ref: LocalRef, compute: ComputeKey): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await compute(ref)
    } catch (e) {
      if (!wasTorn(e)) throw e
      if (attempt < mostAttempts) continue
      throw new SlipwayError('aborted', `files in ${ref.path} changed while this step was reading them`, {
        hint: 'leave out what changes all the time with a line in .dockerignore',
        cause: e,
      })
    }
  }
}
