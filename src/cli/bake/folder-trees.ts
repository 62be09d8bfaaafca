import type { BuildContext, BuildOptions } from '../../bake/build-options.ts'
import type { RemoteDefinition } from '../../build/read-remote-definition.ts'
import type { Definition } from '../../proto/gen/ops_pb.ts'

/** Contexts of targets that are folders of an archive, as graphs: by target, then by the name of the context. */
export function folderTrees(
  builds: ReadonlyMap<string, BuildOptions>,
  folder: RemoteDefinition['folder'],
): ReadonlyMap<string, Readonly<Record<string, Definition>>> {
  const trees = new Map<string, Readonly<Record<string, Definition>>>()
  if (folder === undefined) return trees
  for (const [target, { context, contexts }] of builds) {
    const own: Record<string, Definition> = {}
    const add = (name: string, { folderOfRemote }: BuildContext, step: string): void => {
      if (folderOfRemote !== undefined) own[name] = folder(folderOfRemote, step)
    }
    for (const [name, one] of contexts) add(name, one, `set context ${name} to ${one.folderOfRemote}`)
    add('context', context, `set context to ${context.folderOfRemote}`)
    if (Object.keys(own).length > 0) trees.set(target, own)
  }
  return trees
}
