import { chmodSync, lchownSync, mkdirSync, unlinkSync } from 'node:fs'
import { fsPath } from '../bytes/path-string.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { LayerTree } from './layer-tree.ts'
import { copyXattrs, type OverlayPrefix, setOpaque } from './overlay-xattr.ts'
import { readLink, statPath } from './read-entry.ts'
import { joinPath, parentOf, pathParts } from './resolve-path.ts'
import { isWhiteout } from './whiteout-node.ts'

const mostLinks = 255

/**
 * Finds, and makes, the directories that members of an archive lie in. Names are taken inside the upper directory:
 * `..` stops at its root, symlinks in it are followed inside it. Directories that the archive does not bring get the
 * attributes of the one in the layers below, as containerd gives them. Nobody else writes in the directory meanwhile,
 * so what was found to be a directory stays one until this class is told otherwise.
 */
export class UpperPaths {
  readonly #upper: string
  readonly #lower: LayerTree
  readonly #prefix: OverlayPrefix
  /** Directory parts as they stand in the archive → canonical path. */
  readonly #known = new Map<string, string>([['', '/']])

  readonly #times: Map<string, bigint>

  /** `times` gets the modification times that copied directories have to have in the end, by canonical path. */
  constructor(upper: string, lower: LayerTree, prefix: OverlayPrefix, times: Map<string, bigint>) {
    this.#upper = upper
    this.#lower = lower
    this.#prefix = prefix
    this.#times = times
  }

  /** Path on disk of a canonical path. */
  real(path: string): string {
    return path === '/' ? this.#upper : this.#upper + path
  }

  /** Canonical path of the directory with these parts (cleaned, without `..`). Missing ones are made. */
  directory(parts: readonly string[]): string {
    const key = parts.join('/')
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const path = this.#walk(parts)
    this.#known.set(key, path)
    return path
  }

  /** Forgets everything: something that may have been a directory or a link is gone. */
  forget(): void {
    this.#known.clear()
    this.#known.set('', '/')
  }

  #walk(parts: readonly string[]): string {
    const rest = parts.toReversed()
    let at = '/'
    let links = 0
    for (let part = rest.pop(); part !== undefined; part = rest.pop()) {
      if (part === '..') {
        at = parentOf(at)
        continue
      }
      const next = joinPath(at, part)
      const real = this.#upper + next
      const stat = statPath(real)
      if (stat?.isSymbolicLink()) {
        if (++links > mostLinks) throw new SlipwayError('data-loss', `too many links in ${parts.join('/')}`)
        const target = readLink(real)
        if (target.startsWith('/')) at = '/'
        rest.push(...pathParts(target).reverse())
        continue
      }
      if (stat === undefined) this.#make(next, false)
      else if (isWhiteout(real, stat)) {
        unlinkSync(fsPath(real))
        this.#make(next, true)
      } else if (!stat.isDirectory()) throw new SlipwayError('data-loss', `mkparent ${next}: not a directory`)
      at = next
    }
    return at
  }

  #make(path: string, opaque: boolean): void {
    const real = this.#upper + path
    mkdirSync(fsPath(real), 0o700)
    const below = opaque ? undefined : this.#below(path)
    const stat = below === undefined ? undefined : statPath(below)
    if (below === undefined || stat === undefined) chmodSync(fsPath(real), 0o755)
    else {
      copyXattrs(below, real)
      lchownSync(fsPath(real), Number(stat.uid), Number(stat.gid))
      chmodSync(fsPath(real), Number(stat.mode & 0o7777n))
      this.#times.set(path, stat.mtimeNs)
    }
    if (opaque) setOpaque(real, this.#prefix)
  }

  /** The directory of the layers below that shows at `path`, symlinks followed. */
  #below(path: string): string | undefined {
    try {
      return this.#lower.parts(this.#lower.resolve(path))?.[0]
    } catch {
      return undefined
    }
  }
}
