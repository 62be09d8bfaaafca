/** Something that is opened at the first need and closed once. */
export interface MemoDisposable<T> extends AsyncDisposable {
  readonly get: () => Promise<T>
}

/** Opens with `open` when it is first asked for; disposing closes what was opened. A failed opening is tried again. */
export function memoDisposable<T extends AsyncDisposable>(open: () => Promise<T>): MemoDisposable<T> {
  let opened: Promise<T> | undefined
  return {
    get() {
      opened ??= open().catch((e: unknown) => {
        opened = undefined
        throw e
      })
      return opened
    },
    async [Symbol.asyncDispose]() {
      const last = await opened?.catch(() => undefined)
      opened = undefined
      await last?.[Symbol.asyncDispose]()
    },
  }
}
