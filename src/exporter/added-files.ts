import { compareNames } from '../bytes/path-string.ts'

/** Files that are added to a tree while it is walked, each at its place: parents before children, then by bytes. */
export class AddedFiles {
  readonly #files: ReadonlyMap<string, Uint8Array>
  readonly #waiting: string[]

  /** `files`: path below the root of the tree, without a slash in front, to bytes. */
  constructor(files: ReadonlyMap<string, Uint8Array>) {
    this.#files = files
    this.#waiting = [...files.keys()].sort((a, b) => compareNames(keyOf(a), keyOf(b)))
  }

  /** Whether a file stands in the place of the tree's own. */
  has(path: string): boolean {
    return this.#files.has(path)
  }

  /** Those that come before `path` or in its place; without a path, all that are left. Each comes once. */
  *upTo(path?: string): Iterable<readonly [path: string, bytes: Uint8Array]> {
    const key = path === undefined ? undefined : keyOf(path)
    for (let [next] = this.#waiting; next !== undefined; [next] = this.#waiting) {
      if (key !== undefined && compareNames(keyOf(next), key) > 0) return
      this.#waiting.shift()
      yield [next, this.#files.get(next) ?? new Uint8Array()]
    }
  }
}

/** Paths in the order of a walk: what is below a directory comes before the directory's next sibling. */
const keyOf = (path: string): string => path.replaceAll('/', '\0')
