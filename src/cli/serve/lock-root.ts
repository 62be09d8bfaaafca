import { join } from 'node:path'
import { makeDirectoriesSync } from '../../bytes/make-directories.ts'
import { SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import { type FileLock, tryLock } from '../../sys/file-lock.ts'

/**
 * Keeps a second daemon from the same state directory: what two of them tell their clients of one store would not agree.
 * Commands that build in their own process share it all the same. Throws `failed-precondition`.
 */
export function lockRoot(root: string): FileLock {
  const path = join(root, 'buildkitd.lock')
  let held: FileLock | undefined
  try {
    makeDirectoriesSync(root, 0o711)
    held = tryLock(path)
  } catch (error) {
    throw wrapError(`could not lock ${path}`, error)
  }
  if (held !== undefined) return held
  throw new SlipwayError('failed-precondition', `could not lock ${path}, another instance running?`, {
    hint: 'stop the other daemon, or give this one a state directory of its own with --root',
  })
}
