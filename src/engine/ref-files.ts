import { closeSync, fstatSync, readSync } from 'node:fs'
import { posix } from 'node:path'
import { SlipwayError } from '../errors/slipway-error.ts'
import { filepathMatch } from '../gostd/filepath-match.ts'
import type { Trees } from '../ops/trees.ts'
import type { Ref } from '../snapshot/ref.ts'
import type { Entry, FileTree } from '../snapshot/tree.ts'

/** Larger reads than this are refused (bytes): frontends read small files. */
const maxRead = 64 * 1024 * 1024

/** An entry with its name. */
export interface NamedEntry extends Entry {
  readonly path: string
}

/** A file's bytes, or `length` of them from `offset`. Throws `not-found` (`open /x: no such file or directory`). */
export async function readRefFile(
  trees: Trees,
  ref: Ref,
  path: string,
  range: { readonly offset: number; readonly length: number } | undefined,
  signal: AbortSignal,
): Promise<Uint8Array> {
  using tree = await trees.view(ref, signal)
  return readTreeFile(tree, path, range)
}

/** The same, of a tree at hand. */
export function readTreeFile(
  tree: FileTree,
  path: string,
  range: { readonly offset: number; readonly length: number } | undefined,
): Uint8Array {
  const real = tree.resolve(posix.join('/', path))
  const entry = tree.lstat(real)
  if (entry === undefined)
    throw new SlipwayError('not-found', `open ${posix.join('/', path)}: no such file or directory`)
  if (entry.kind !== 'file') throw new SlipwayError('failed-precondition', `${path} is not a regular file`)
  const fd = tree.open(real)
  try {
    const size = fstatSync(fd).size
    const start = Math.min(range?.offset ?? 0, size)
    const length = Math.min(range === undefined || range.length === 0 ? size : range.length, size - start)
    if (length > maxRead)
      throw new SlipwayError('resource-exhausted', `${path} is larger than ${maxRead} bytes`)
    const bytes = Buffer.alloc(length)
    let done = 0
    for (let n = 1; n > 0 && done < length; done += n)
      n = readSync(fd, bytes, done, length - done, start + done)
    return bytes.subarray(0, done)
  } finally {
    closeSync(fd)
  }
}

/** What is at a path, symlinks followed. Throws `not-found`. */
export async function statRefFile(
  trees: Trees,
  ref: Ref,
  path: string,
  signal: AbortSignal,
): Promise<NamedEntry> {
  using tree = await trees.view(ref, signal)
  return statTreeFile(tree, path)
}

/** The same, of a tree at hand. */
export function statTreeFile(tree: FileTree, path: string): NamedEntry {
  const clean = posix.join('/', path)
  const entry = tree.lstat(tree.resolve(clean))
  if (entry === undefined) throw new SlipwayError('not-found', `lstat ${clean}: no such file or directory`)
  return { ...entry, path: posix.basename(clean) }
}

/** What a directory contains, sorted; `pattern` is a wildcard on names, empty for all. */
export async function readRefDirectory(
  trees: Trees,
  ref: Ref,
  path: string,
  pattern: string,
  signal: AbortSignal,
): Promise<readonly NamedEntry[]> {
  using tree = await trees.view(ref, signal)
  return readTreeDirectory(tree, path, pattern)
}

/** The same, of a tree at hand. */
export function readTreeDirectory(tree: FileTree, path: string, pattern: string): readonly NamedEntry[] {
  const real = tree.resolve(posix.join('/', path))
  const directory = tree.lstat(real)
  if (directory === undefined && real === '/') return []
  if (directory?.kind !== 'directory') {
    throw new SlipwayError('not-found', `open ${posix.join('/', path)}: no such file or directory`)
  }
  return tree.readdir(real).flatMap(name => {
    if (pattern !== '' && !filepathMatch(pattern, name)) return []
    const entry = tree.lstat(posix.join(real, name))
    return entry === undefined ? [] : [{ ...entry, path: name }]
  })
}
