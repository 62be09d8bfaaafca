import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { ScannedEntry, ScannedTree } from '../../src/frontend/scan/scanned-tree.ts'

/** Larger files are passed over: package databases are far smaller (bytes). */
const largest = 64 * 1024 * 1024

/** More links than that on one way are a circle. */
const mostLinks = 40

/** A directory as a tree to be scanned: links in it, absolute ones too, lead to places inside of it. */
export function directoryTree(root: string): ScannedTree {
  return {
    readFile(path) {
      const real = resolveInside(root, path)
      if (real === undefined) return undefined
      const stat = lstatSync(real)
      return stat.isFile() && stat.size <= largest ? readFileSync(real) : undefined
    },
    entries(path) {
      const real = resolveInside(root, path)
      if (real === undefined || !lstatSync(real).isDirectory()) return []
      return readdirSync(real, { withFileTypes: true })
        .map((entry): ScannedEntry => {
          const kind = entry.isFile() ? 'file' : entry.isDirectory() ? 'directory' : 'other'
          return { name: entry.name, kind }
        })
        .sort((a, b) => (a.name < b.name ? -1 : 1))
    },
  }
}

/** Where a path of the tree lies on the disk; undefined where nothing is there. */
function resolveInside(root: string, path: string): string | undefined {
  const open = path.split('/').filter(Boolean).reverse()
  let inside: string[] = []
  for (let links = 0; open.length > 0; ) {
    const name = open.pop() as string
    if (name === '.') continue
    if (name === '..') {
      inside = inside.slice(0, -1)
      continue
    }
    const here = join(root, ...inside, name)
    const stat = lstatSync(here, { throwIfNoEntry: false })
    if (stat === undefined) return undefined
    if (!stat.isSymbolicLink()) {
      inside = [...inside, name]
      continue
    }
    if (++links > mostLinks) return undefined
    const target = readlinkSync(here)
    if (target.startsWith('/')) inside = []
    open.push(...target.split('/').filter(Boolean).reverse())
  }
  return join(root, ...inside)
}
