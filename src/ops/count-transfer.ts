import { directoryTree } from '../session/fsutil/directory-tree.ts'
import { hasContent } from '../session/fsutil/go-mode.ts'
import { contentSize, packet, packetSize } from '../session/fsutil/packets.ts'
import { openDirectoryTree } from '../snapshot/directory-tree.ts'
import type { LocalFilter } from '../snapshot/ref.ts'
import type { FileDigestCache } from './content-hash.ts'

const noBytes = new Uint8Array()

/** With more entries than this, looking at all of them just to tell how many bytes they are takes too long. */
const mostEntries = 20_000

/**
 * Bytes that a build takes from a directory that is read in place, counted as if they were sent: what describes its entries,
 * and the content of the files that were not read by an earlier build (`known`; undefined: all are read). Undefined for very
 * large directories. Throws what listing throws.
 */
export async function countTransfer(
  path: string,
  filter: LocalFilter,
  known: FileDigestCache | undefined,
  signal: AbortSignal,
): Promise<number | undefined> {
  using entries = openDirectoryTree(path, filter, 0n)
  let bytes = packetSize(packet.finish())
  let id = 0
  const tree = await directoryTree(path, { ...filter, map: ownByRoot })
  for await (const stat of tree.walk(signal)) {
    bytes += packetSize(packet.stat(stat))
    if (hasContent(stat.mode) && stat.linkname === '') {
      const entry = known === undefined ? undefined : entries.lstat(`/${stat.path}`)
      const isKnown = entry !== undefined && known?.get(`/${stat.path}`, entry) !== undefined
      if (!isKnown) bytes += contentSize(id, Number(stat.size)) + packetSize(packet.data(id, noBytes))
    }
    id++
    if (id > mostEntries) return undefined
  }
  return bytes
}

function ownByRoot(stat: { uid: number; gid: number }): boolean {
  stat.uid = 0
  stat.gid = 0
  return true
}
