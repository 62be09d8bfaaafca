import { throwIfAborted } from '../async/abort.ts'
import { asSlipwayError, wrapError } from '../errors/slipway-error.ts'
import type { FrontendScope } from './scope.ts'

/**
 * An ignore file of a tree; undefined where it has none. Throws `permission-denied` where it may not be read: what it is to
 * leave out would be taken.
 */
export async function readIgnoreFile<Ref>(
  ref: Ref | undefined,
  name: string,
  scope: FrontendScope<Ref>,
): Promise<Uint8Array | undefined> {
  try {
    return await scope.bridge.readFile(ref, name, undefined, scope.signal)
  } catch (error) {
    throwIfAborted(scope.signal)
    if (asSlipwayError(error).code !== 'permission-denied') return undefined
    throw wrapError(`failed to read ${name}`, error, { hint: 'make it readable' })
  }
}
