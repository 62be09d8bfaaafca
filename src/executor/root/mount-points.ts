import {
  type BigIntStats,
  chmodSync,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  type Stats,
  unlinkSync,
} from 'node:fs'
import { fsPath } from '../../bytes/path-string.ts'
import { errnoOf } from '../../sys/errno-error.ts'
import { setTimes } from '../../sys/times.ts'
import { resolveInRoot } from './resolve-in-root.ts'

/** A place that something will be mounted on. */
export interface MountTarget {
  readonly path: string
  readonly kind: 'directory' | 'file'
  /** Permission bits of a directory that has to be made. @default 0o755 */
  readonly mode?: number
  /** Stays when mount points are taken away. @default false */
  readonly stays?: boolean
}

/** What `createMountPoints` did to a root, so that it can be undone. */
export interface CreatedMountPoints {
  /** Canonical paths that were not there and do not stay, parents first. */
  readonly paths: readonly string[]
  /** Directories above them that were there, with what they were before. */
  readonly parents: readonly ParentState[]
}

interface ParentState {
  readonly path: string
  /** It lay in the upper directory already, not merely in the layers below. */
  readonly inUpper: boolean
  /** Time of the last change in the upper directory once all mount points were made. */
  readonly ctimeNs: bigint
}

/**
 * Makes the missing mount points below `root` (a mounted overlay, or a plain directory that is its own `upper`), as the
 * runtime would: the difference is that it is known afterwards what was made. A target that lies below an earlier one is left
 * to the runtime, which makes it inside what is mounted there by then.
 * `change` changes a file that is there; it is among the `paths` where it did not lie in the upper directory before.
 */
export function createMountPoints(
  root: string,
  upper: string,
  targets: readonly MountTarget[],
  change?: { readonly path: string; readonly apply: () => void },
): CreatedMountPoints {
  const paths: string[] = []
  const parents = new Map<string, { readonly inUpper: boolean }>()
  const places = targets.map(target => ({ ...target, path: resolveInRoot(root, target.path) }))
  const watch = (path: string): void => {
    for (const above of ancestors(path)) {
      if (parents.has(above) || paths.includes(above)) continue
      parents.set(above, { inUpper: exists(upper, above) })
    }
  }
  if (change !== undefined && !exists(upper, change.path)) {
    watch(change.path)
    paths.push(change.path)
  }
  change?.apply()
  for (const [i, place] of places.entries()) {
    if (place.path === '/' || places.slice(0, i).some(other => isBelow(place.path, other.path))) continue
    const missing = missingPart(root, place.path)
    if (missing.length === 0) continue
    if (place.stays === true) {
      makeAll(root, missing, place)
      continue
    }
    watch(missing[0] as string)
    makeAll(root, missing, place)
    paths.push(...missing)
  }
  return {
    paths,
    parents: [...parents].map(([path, { inUpper }]) => ({
      path,
      inUpper,
      ctimeNs: stat(upper, path).ctimeNs,
    })),
  }
}

/**
 * Takes mount points away again, from the upper directory once nothing is mounted any more: those that are still empty.
 * Directories above them that lie in the upper directory for no other reason go too; the removal does not show in the
 * times of the others.
 * Source of the rule: BuildKit v0.32.2 executor/stubs.go.
 */
export function removeMountPoints(upper: string, created: CreatedMountPoints): void {
  const untouched = created.parents.filter(
    parent => !parent.inUpper && find(upper, parent.path)?.ctimeNs === parent.ctimeNs,
  )
  for (const path of [...created.paths].reverse()) removeEmpty(upper, path)
  const deepestFirst = untouched.map(parent => parent.path).sort((a, b) => b.length - a.length)
  for (const path of deepestFirst) if (path !== '/') removeEmpty(upper, path)
}

/** Makes a process's working directory and what is missing above it, owned by the process's user. */
export function createWorkingDirectory(root: string, cwd: string, chown: (path: string) => void): void {
  for (const path of missingPart(root, resolveInRoot(root, cwd))) {
    make(root + path, 'directory')
    chown(root + path)
  }
}

/** Tells whether `path` is a place below `above`, both clean and absolute. */
export function isBelow(path: string, above: string): boolean {
  return path.length > above.length && path.startsWith(above === '/' ? '/' : `${above}/`)
}

function missingPart(root: string, path: string): string[] {
  const missing: string[] = []
  for (let at = path; at !== '/'; at = parentOf(at)) {
    const stats = statIfThere(root + at)
    if (stats?.isDirectory()) return missing
    // A file is in the way (the runtime says so), or the place is there.
    if (stats !== undefined) return []
    missing.unshift(at)
  }
  return missing
}

function statIfThere(path: string): Stats | undefined {
  try {
    return lstatSync(fsPath(path), { throwIfNoEntry: false })
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return undefined
    throw error
  }
}

function makeAll(root: string, missing: readonly string[], place: MountTarget): void {
  for (const path of missing) {
    if (path === place.path) make(root + path, place.kind, place.mode)
    else make(root + path, 'directory')
  }
}

function make(path: string, kind: MountTarget['kind'], mode = 0o755): void {
  if (kind === 'file') closeSync(openSync(fsPath(path), 'wx', 0o644))
  else {
    mkdirSync(fsPath(path), mode)
    chmodSync(fsPath(path), mode)
  }
}

function removeEmpty(upper: string, path: string): void {
  const stats = find(upper, path)
  if (stats === undefined) return
  const parent = stat(upper, parentOf(path))
  const full = fsPath(upper + path)
  if (stats.isDirectory()) {
    if (readdirSync(full).length > 0) return
    rmdirSync(full)
  } else if (stats.isFile() && stats.size === 0n) unlinkSync(full)
  else return
  setTimes(upper + parentOf(path), parent.atimeNs, parent.mtimeNs)
}

/** The entry at a canonical path, if real directories lead to it: a build step may have put symlinks there. */
function find(upper: string, path: string): BigIntStats | undefined {
  for (const above of ancestors(path)) {
    const stats = lstatSync(fsPath(upper + above), { throwIfNoEntry: false })
    if (!stats?.isDirectory()) return undefined
  }
  return lstatSync(fsPath(upper + path), { throwIfNoEntry: false, bigint: true })
}

function exists(upper: string, path: string): boolean {
  return find(upper, path) !== undefined
}

function stat(root: string, path: string): BigIntStats {
  return lstatSync(fsPath(root + path), { bigint: true })
}

/** `/a/b/c`: `/`, `/a`, `/a/b`. */
function ancestors(path: string): string[] {
  const all: string[] = []
  for (let at = path; at !== '/'; ) {
    at = parentOf(at)
    all.unshift(at)
  }
  return all
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}
