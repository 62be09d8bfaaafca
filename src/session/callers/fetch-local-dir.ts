import { SlipwayError } from '../../errors/slipway-error.ts'
import { FileSync } from '../../proto/gen/filesync_pb.ts'
import { syncKeys } from '../attachables/file-sync.ts'
import { callTalk } from '../converse.ts'
import type { TreeFilter } from '../fsutil/path-filter.ts'
import { receiveTree } from '../fsutil/receive-tree.ts'
import type { Differ, TreeChange } from '../fsutil/tree-changes.ts'
import { setEncodedValues } from '../metadata.ts'
import type { SessionCaller } from '../session.ts'
import { supported } from './supported.ts'

/** What to fetch, and where to. */
export interface FetchOptions extends TreeFilter {
  /** Name of the local source. */
  readonly name: string
  /** Absolute path of a directory that holds what was fetched last, or nothing. */
  readonly dest: string
  /** Files that are the same by it are not fetched again. Default `metadata`. */
  readonly differ?: Differ
  /** Only these paths are fetched; of all others it is told what they are. */
  readonly wanted?: (path: string) => boolean
  /** Is told the bytes received so far, and at last that there will be no more. */
  readonly onProgress?: (bytes: number, done: boolean) => void
  readonly signal?: AbortSignal | undefined
}

/**
 * Makes a directory here equal to one of the client's, as far as the filter goes: files that did not change are not sent.
 * Returns what changed. Throws `not-found` where the client does not offer the directory; after any failure the directory
 * holds a mixture, which the next fetch repairs.
 */
export async function fetchLocalDir(
  caller: SessionCaller,
  options: FetchOptions,
): Promise<readonly TreeChange[]> {
  if (!supported(caller, FileSync.method.diffCopy)) {
    throw new SlipwayError('failed-precondition', 'no local sources enabled')
  }
  const headers = new Headers()
  setEncodedValues(headers, syncKeys.dirName, [options.name])
  setEncodedValues(headers, syncKeys.include, options.includePatterns ?? [])
  setEncodedValues(headers, syncKeys.exclude, options.excludePatterns ?? [])
  setEncodedValues(headers, syncKeys.follow, options.followPaths ?? [])
  return await callTalk(
    caller.transport,
    FileSync.method.diffCopy,
    { headers, signal: options.signal },
    (incoming, send, signal) => {
      const { dest, differ, wanted, onProgress } = options
      return receiveTree(incoming, send, {
        dest,
        mode: 'mirror',
        signal,
        ...(differ === undefined ? {} : { differ }),
        ...(wanted === undefined ? {} : { wanted }),
        ...(onProgress === undefined ? {} : { onProgress }),
      })
    },
  )
}
