import { closeSync, openSync } from 'node:fs'
import { sleep, throwIfAborted } from '../async/abort.ts'
import { errnoError } from './errno-error.ts'
import { libc } from './libc.ts'

const LOCK_SH = 1
const LOCK_EX = 2
const LOCK_NB = 4
const EWOULDBLOCK = 11

/** An advisory lock that ends with its disposal, or with the process that holds it. */
export interface FileLock extends Disposable {
  readonly path: string
}

/** What kind of lock, and whose patience. */
export interface LockOptions {
  /** Many may hold a shared lock. @default false */
  readonly shared?: boolean
  readonly signal?: AbortSignal | undefined
}

/**
 * Takes a `flock` lock on `path` (created when missing, never removed by this), or answers undefined where another
 * holder is in the way. Two calls in one process are two holders. buildx locks its state directory in the same way.
 */
export function tryLock(path: string, options: LockOptions = {}): FileLock | undefined {
  const fd = openSync(path, 'a', 0o600)
  const c = libc()
  if (c.flock(fd, (options.shared ? LOCK_SH : LOCK_EX) | LOCK_NB) < 0) {
    const errno = c.errno()
    closeSync(fd)
    if (errno === EWOULDBLOCK) return undefined
    throw errnoError(errno, 'flock', path)
  }
  let open = true
  return {
    path,
    [Symbol.dispose]: () => {
      if (open) closeSync(fd)
      open = false
    },
  }
}

/** As `tryLock`, but waits: it asks again, so that an abort ends it at once and no thread hangs in the kernel. */
export async function lock(path: string, options: LockOptions = {}): Promise<FileLock> {
  for (let pause = 5; ; pause = Math.min(200, pause * 2)) {
    throwIfAborted(options.signal)
    const held = tryLock(path, options)
    if (held !== undefined) return held
    await sleep(pause, options.signal)
  }
}
