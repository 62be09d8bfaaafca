import type { ContainerMount, ContainerSpec, TreeSource } from './executor.ts'

/** How trees become directories where overlayfs cannot be mounted. */
export interface TreeCopies {
  /** Copies what a stack of directories (lowest first) shows into the empty directory `target`. */
  checkout(lowers: readonly string[], target: string, signal?: AbortSignal): Promise<void>
  /** Writes what was changed in `source`, a copy of `lowers`, into the directory `upper`, in the form of overlayfs. */
  capture(lowers: readonly string[], source: string, upper: string): Promise<void>
}

/** A container whose trees are plain directories. */
export interface CopiedContainer {
  readonly container: ContainerSpec
  /** Brings back what the container changed; to be called when it is gone. */
  capture(): Promise<void>
}

/**
 * Copies the trees of a container into directories of its own, a tree that occurs more than once only once. `scratch`
 * makes an empty directory that is removed with the container, after `capture`.
 */
export async function copyTrees(
  container: ContainerSpec,
  copies: TreeCopies,
  scratch: () => string,
  signal?: AbortSignal,
): Promise<CopiedContainer> {
  const made = new Map<string, TreeSource>()
  const changed: { readonly lowers: readonly string[]; readonly copy: string; readonly upper: string }[] = []
  const copy = async (tree: TreeSource, writable: boolean, name: string): Promise<TreeSource> => {
    if (tree.kind === 'directory') return tree
    const key = JSON.stringify([tree.lowers, tree.upper ?? (writable ? name : '')])
    const known = made.get(key)
    if (known !== undefined) return known
    const path = scratch()
    await copies.checkout(tree.lowers, path, signal)
    if (tree.upper !== undefined) changed.push({ lowers: tree.lowers, copy: path, upper: tree.upper })
    const source: TreeSource = { kind: 'directory', path }
    made.set(key, source)
    return source
  }
  const root = await copy(container.root, true, 'root')
  const mounts: ContainerMount[] = []
  for (const [index, mount] of container.mounts.entries()) {
    if (mount.kind !== 'bind') mounts.push(mount)
    else mounts.push({ ...mount, source: await copy(mount.source, !mount.readonly, `mount${index}`) })
  }
  return {
    container: { ...container, root, mounts },
    async capture() {
      for (const tree of changed) await copies.capture(tree.lowers, tree.copy, tree.upper)
    },
  }
}
