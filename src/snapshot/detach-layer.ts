import { linkSync, mkdirSync } from 'node:fs'
import { fsPath } from '../bytes/path-string.ts'
import { applyToPath } from './apply-attributes.ts'
import { LayerTree } from './layer-tree.ts'
import { listNames } from './list-names.ts'
import { isOpaque, plainXattrs } from './overlay-xattr.ts'
import { entryOf, statPath } from './read-entry.ts'
import { joinPath } from './resolve-path.ts'
import { isUnchanged } from './unchanged.ts'
import { isWhiteout, makeWhiteout } from './whiteout-node.ts'

/** A layer's directory and those it was made on, lowest first. */
export interface DetachableLayer {
  readonly upper: string
  readonly lowers: readonly string[]
  /** Called now and then; a throw ends the work. */
  readonly check?: () => void
}

/**
 * Tells whether a layer's directory says something else on other layers than it says on those it was made on: it has files
 * that are the same there (overlayfs copies what is opened for writing), or directories that hide all that is below them.
 */
export function isAttached(layer: DetachableLayer): boolean {
  let attached = false
  new Walk(layer, {
    get done() {
      return attached
    },
    differs: () => {
      attached = true
    },
    directory: () => {},
    entry: () => {},
    whiteout: () => {},
  }).run()
  return attached
}

/**
 * Writes into the empty directory `target` what a layer changes, and nothing else: names that an opaque directory hides
 * become deleted names. Files are hard links to those of the layer, which nobody may change any more.
 */
export function detachLayer(layer: DetachableLayer, target: string): void {
  const times: (() => void)[] = []
  const place = (path: string): string => target + path
  new Walk(layer, {
    done: false,
    differs: () => {},
    directory: (path, real) => {
      const stat = statPath(real)
      if (stat === undefined) return
      if (path !== '/') mkdirSync(fsPath(place(path)), 0o700)
      const attributes = { ...entryOf(real, stat), xattrs: plainXattrs(real) }
      applyToPath(place(path), attributes, 'directory')
      times.push(() => applyToPath(place(path), { mtimeNs: attributes.mtimeNs }, 'directory'))
    },
    entry: (path, real) => linkSync(fsPath(real), fsPath(place(path))),
    whiteout: path => makeWhiteout(place(path)),
  }).run()
  for (const set of times.toReversed()) set()
}

/** Told what a layer changes, parents first. */
interface Changes {
  readonly done: boolean
  /** The layer's directory says more, or less, than this. */
  differs(): void
  directory(path: string, real: string): void
  entry(path: string, real: string): void
  whiteout(path: string): void
}

/** A directory on the way down: unchanged ones count once something in them does. */
interface Open {
  readonly path: string
  readonly real: string
  told: boolean
}

class Walk {
  readonly #layer: DetachableLayer
  readonly #below: LayerTree
  readonly #changes: Changes
  readonly #open: Open[] = []

  constructor(layer: DetachableLayer, changes: Changes) {
    this.#layer = layer
    this.#below = new LayerTree(layer.lowers)
    this.#changes = changes
  }

  run(): void {
    const { upper } = this.#layer
    this.#changes.directory('/', upper)
    this.#contents({ path: '/', real: upper, told: true }, false)
  }

  /** `hides`: nothing of the layers below shows here. */
  #contents(directory: Open, hides: boolean): void {
    const { path, real } = directory
    const above = new Set<string>()
    this.#open.push(directory)
    for (const { name } of listNames(real)) {
      if (this.#changes.done) return
      above.add(name)
      this.#visit(joinPath(path, name), `${real}/${name}`, hides)
    }
    if (hides && this.#below.find(path)?.stat.isDirectory()) {
      for (const name of this.#below.readdir(path)) {
        if (above.has(name)) continue
        this.#changes.differs()
        this.#tell(() => this.#changes.whiteout(joinPath(path, name)))
      }
    }
    this.#open.pop()
    if (!directory.told) this.#changes.differs()
  }

  #visit(path: string, real: string, hides: boolean): void {
    this.#layer.check?.()
    const stat = statPath(real)
    if (stat === undefined) return
    const found = this.#below.find(path)
    if (isWhiteout(real, stat)) {
      if (found === undefined) this.#changes.differs()
      else this.#tell(() => this.#changes.whiteout(path))
      return
    }
    const unchanged = found !== undefined && isUnchanged(found, { real, stat })
    if (stat.isDirectory()) {
      const opaque = isOpaque(real)
      if (opaque) this.#changes.differs()
      if (!unchanged) this.#tell(() => this.#changes.directory(path, real))
      this.#contents({ path, real, told: !unchanged }, hides || opaque)
    } else if (unchanged) this.#changes.differs()
    else this.#tell(() => this.#changes.entry(path, real))
  }

  /** Tells of a change, behind the directories that it lies in. */
  #tell(change: () => void): void {
    for (const directory of this.#open) {
      if (directory.told) continue
      directory.told = true
      this.#changes.directory(directory.path, directory.real)
    }
    change()
  }
}
