import { SlipwayError } from '../../errors/slipway-error.ts'
import { FileSync } from '../../proto/gen/filesync_pb.ts'
import type { Packet, Stat } from '../../proto/gen/fsutil_pb.ts'
import type { Attachable } from '../attachable.ts'
import { answerTalk } from '../converse.ts'
import { directoryTree } from '../fsutil/directory-tree.ts'
import { sendTree } from '../fsutil/send-tree.ts'
import { encodedValuesOf } from '../metadata.ts'

/** Metadata keys of a transfer. */
export const syncKeys = {
  dirName: 'dir-name',
  include: 'include-patterns',
  exclude: 'exclude-patterns',
  follow: 'followpaths',
} as const

/** A directory that a build may read. */
export interface SyncedDirectory {
  readonly path: string
  /** Send the owners of files; otherwise all belong to root, so that images do not depend on who built them. */
  readonly keepOwners?: boolean
}

/** Offers local directories, by the names of `local://` sources: a build can read nothing else. */
export function fileSync(directories: Readonly<Record<string, SyncedDirectory>>): Attachable {
  const byName = new Map(Object.entries(directories))
  return {
    localDir: name => byName.get(name)?.path,
    routes: router =>
      router.service(FileSync, {
        diffCopy(packets, context) {
          const headers = context.requestHeader
          const name = encodedValuesOf(headers, syncKeys.dirName)[0] ?? ''
          return answerTalk<Packet, Packet>(packets, context.signal, async (incoming, send, signal) => {
            const directory = byName.get(name)
            if (directory === undefined) {
              throw new SlipwayError('not-found', `no access allowed to dir ${JSON.stringify(name)}`)
            }
            const tree = await directoryTree(directory.path, {
              includePatterns: encodedValuesOf(headers, syncKeys.include),
              excludePatterns: encodedValuesOf(headers, syncKeys.exclude),
              followPaths: encodedValuesOf(headers, syncKeys.follow),
              ...(directory.keepOwners === true ? {} : { map: ownByRoot }),
            })
            await sendTree(tree, incoming, send, signal)
          })
        },
      }),
  }
}

function ownByRoot(stat: Stat): boolean {
  stat.uid = 0
  stat.gid = 0
  return true
}
