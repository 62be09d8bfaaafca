import { SlipwayError } from '../errors/slipway-error.ts'
import type { Ref } from '../snapshot/ref.ts'

/** A directory that is read in place. */
export const isLive = (ref: Ref): ref is Extract<Ref, { kind: 'local' }> => ref.kind === 'local'

/**
 * Inputs of one op that somebody may change meanwhile: directories of clients, which are read in place and not copied
 * first. What the op made of them belongs to their content key only if the key is still the same afterwards.
 */
export class LiveInputs {
  readonly #checks = new Map<number, { readonly path: string; readonly check: () => Promise<boolean> }>()

  /** Computes the content key of an input, and keeps how to do it again where the input is live. */
  async key(index: number, ref: Ref, compute: () => Promise<string>): Promise<string> {
    const key = await compute()
    if (isLive(ref)) {
      const check = (): Promise<boolean> =>
        compute().then(
          now => now === key,
          () => false, // what it selected is not there any more
        )
      this.#checks.set(index, { path: ref.path, check })
    }
    return key
  }

  /** Throws `aborted` where an input is not what its key says any more. */
  async verify(): Promise<void> {
    for (const { path, check } of this.#checks.values()) {
      if (await check()) continue
      throw new SlipwayError('aborted', `files in ${path} changed while this step was reading them`, {
        hint: 'build again: what was done before is cached',
      })
    }
  }
}
