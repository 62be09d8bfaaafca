import type { ScannedEntry, ScannedTree } from './scanned-tree.ts'

/** A tree of texts by absolute path. */
export function memoryTree(files: Readonly<Record<string, string | Uint8Array>>): ScannedTree {
  return {
    readFile: path => {
      const found = files[path]
      return typeof found === 'string' ? new TextEncoder().encode(found) : found
    },
    entries: path => {
      const prefix = path === '/' ? '/' : `${path}/`
      const kinds = new Map<string, ScannedEntry['kind']>()
      for (const file of Object.keys(files)) {
        if (!file.startsWith(prefix)) continue
        const [name = '', ...rest] = file.slice(prefix.length).split('/')
        kinds.set(name, rest.length > 0 ? 'directory' : 'file')
      }
      return [...kinds].map(([name, kind]) => ({ name, kind })).sort((a, b) => (a.name < b.name ? -1 : 1))
    },
  }
}
