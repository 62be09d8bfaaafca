/**
 * `work` run once, its promise shared by all callers. A failure is not kept: the next caller tries again.
 */
export function memo<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  return () => {
    running ??= work().catch((e: unknown) => {
      running = undefined
      throw e
    })
    return running
  }
}
