import { memoize } from '../../../async/memoize.ts'

/** Asks `make` at the first need and again whenever its answer is older than `ms` milliseconds: credentials expire. */
export function renewed<T>(make: () => Promise<T>, ms: number, now: () => number): () => Promise<T> {
  let known: { readonly at: number; readonly get: () => Promise<T> } | undefined
  return () => {
    if (known === undefined || now() - known.at > ms) known = { at: now(), get: memoize(make) }
    return known.get()
  }
}
