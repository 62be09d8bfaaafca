import { posix } from 'node:path'
import type { ScannedTree } from '../frontend/scan/scanned-tree.ts'
import type { Entry, FileTree } from '../snapshot/tree.ts'
import { readTreeFile } from './ref-files.ts'

/** Larger files are passed over: package databases are far smaller (bytes). */
const largest = 64 * 1024 * 1024

/** A tree as scanners read it; disposing of it disposes of `tree`. */
export function scannedTree(tree: FileTree): ScannedTree & Disposable {
  // Links in circles, and files where directories should be, are places where there is nothing.
  const find = (path: string): { readonly real: string; readonly entry: Entry | undefined } | undefined => {
    try {
      const real = tree.resolve(path)
      return { real, entry: tree.lstat(real) }
    } catch {
      return undefined
    }
  }
  return {
    readFile: path => {
      const entry = find(path)?.entry
      return entry?.kind === 'file' && entry.size <= largest ? readTreeFile(tree, path, undefined) : undefined
    },
    entries: path => {
      const { real, entry } = find(path) ?? {}
      if (real === undefined || entry?.kind !== 'directory') return []
      return tree.readdir(real).map(name => {
        const kind = tree.lstat(posix.join(real, name))?.kind
        return { name, kind: kind === 'file' || kind === 'directory' ? kind : ('other' as const) }
      })
    },
    [Symbol.dispose]: () => tree[Symbol.dispose](),
  }
}
