import { asSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import { isDigest } from '../oci/digest.ts'
import type { ResolvedManifest } from '../oci/image-store.ts'
import { readIndexFile } from '../registry/layout/index-file.ts'
import { formatImageLocation, type ImageLocation, locationTarget } from './image-location.ts'
import type { ImageTools } from './image-tools.ts'

/**
 * The manifest or index that `target`, a digest or a tag, stands for where `location` is. Throws `not-found` in buildx's
 * words: of the whole name in a registry, of the content in a layout, of a folder that is no layout.
 */
export async function resolveLocation(
  location: ImageLocation,
  target: string,
  tools: ImageTools,
  signal = tools.signal,
): Promise<ResolvedManifest> {
  const isLayout = location.kind === 'layout'
  if (isLayout && !isDigest(target)) await readIndexFile(location.layout.directory)
  try {
    return await tools.open(location).resolve(target, { signal })
  } catch (thrown) {
    const error = asSlipwayError(thrown)
    if (error.code !== 'not-found' || !error.message.endsWith(': not found')) throw thrown
    const missing = { cause: thrown, ...(error.hint === undefined ? {} : { hint: error.hint }) }
    if (isLayout && isDigest(target))
      throw new SlipwayError('not-found', `content ${target}: not found`, missing)
    if (location.kind === 'registry' && target === locationTarget(location))
      throw new SlipwayError('not-found', `${formatImageLocation(location)}: not found`, missing)
    throw thrown
  }
}
