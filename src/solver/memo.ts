/**
 * `work` run once, its promise shared by all callers. A failure is kept only as long as `keeps` says so of it: else the next
 * caller tries again.
 */
export function memo<T>(
  work: () => Promise<T>,
  keeps: (e: unknown) => boolean = () => false,
): () => Promise<T> {
  let running: Promise<T> | undefined
  let failure: { readonly e: unknown } | undefined
  return () => {
    if (failure !== undefined && !keeps(failure.e)) running = undefined
    if (running === undefined) {
      failure = undefined
      running = work().catch((e: unknown) => {
        failure = { e }
        throw e
      })
    }
    return running
  }
}
