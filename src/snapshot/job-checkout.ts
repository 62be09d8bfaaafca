import { linkSync, mkdirSync } from 'node:fs'
import { fsPath } from '../bytes/path-string.ts'
import type { JobContext } from '../sys/job-protocol.ts'
import { applyToPath, copyEntry } from './apply-attributes.ts'
import { LayerTree } from './layer-tree.ts'
import { plainXattrs } from './overlay-xattr.ts'
import { entryOf, statPath } from './read-entry.ts'
import { joinPath } from './resolve-path.ts'

/** A stack of layers, lowest first, and an empty directory that becomes a copy of what they show. */
export interface CheckoutInput {
  readonly layers: readonly string[]
  readonly target: string
}

/** Copies a stack of layers out into a plain directory, for containers where overlayfs cannot be mounted. */
export function checkoutLayers(input: CheckoutInput, context: Pick<JobContext, 'check'>): null {
  using tree = new LayerTree(input.layers)
  const links = new Map<string, string>()
  const copy = (path: string): void => {
    context.check()
    const found = tree.find(path)
    if (found === undefined) return
    const target = path === '/' ? input.target : input.target + path
    const entry = entryOf(found.real, found.stat)
    if (entry.kind !== 'directory') {
      const first = entry.hardlinkKey === undefined ? undefined : links.get(entry.hardlinkKey)
      if (first !== undefined) linkSync(fsPath(first), fsPath(target))
      else copyEntry(found.real, target)
      if (entry.hardlinkKey !== undefined && first === undefined) links.set(entry.hardlinkKey, target)
      return
    }
    if (path !== '/') mkdirSync(fsPath(target), 0o700)
    for (const name of tree.readdir(path)) copy(joinPath(path, name))
    applyToPath(target, { ...entry, xattrs: plainXattrs(found.real) }, 'directory')
  }
  if (statPath(input.target) !== undefined) copy('/')
  return null
}
