/** What is in a directory of a scanned tree. */
export interface ScannedEntry {
  readonly name: string
  readonly kind: 'file' | 'directory' | 'other'
}

/** Read side of a tree that is scanned. Paths are absolute; symlinks on the way are followed inside the tree. */
export interface ScannedTree {
  /** Content of a file; undefined where there is none. */
  readFile(path: string): Uint8Array | undefined
  /** Entries of a directory, sorted by name, symlinks being `other`; empty where there is none. */
  entries(path: string): readonly ScannedEntry[]
}

/** The text of a file; empty where there is none. */
export function readText(tree: ScannedTree, path: string): string {
  const bytes = tree.readFile(path)
  return bytes === undefined ? '' : new TextDecoder().decode(bytes)
}
