import { isSlipwayError } from '../errors/slipway-error.ts'
import type { FileTree } from '../snapshot/tree.ts'
import { readTar } from '../tar/read-tar.ts'
import { unpackedContent } from './unpack-archive.ts'

/**
 * The latest modification time (seconds) of the regular files in an archive; undefined where it has none, or where the file
 * is no archive. Throws `not-found`.
 * Source: https://github.com/moby/buildkit/blob/v0.32.2/frontend/dockerfile/dockerfile2llb/epoch.go, archiveMaxTimeFromRef
 */
export async function archiveTime(
  tree: FileTree,
  path: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  let latest: bigint | undefined
  try {
    for await (const { entry } of readTar(unpackedContent(tree, tree.resolve(path), signal))) {
      if (entry.type === 'file' && (latest === undefined || entry.mtimeNs > latest)) latest = entry.mtimeNs
    }
  } catch (e) {
    if (isSlipwayError(e) && e.code === 'data-loss') return undefined
    throw e
  }
  return latest === undefined ? undefined : Number(BigInt.asIntN(64, latest) / 1_000_000_000n)
}
