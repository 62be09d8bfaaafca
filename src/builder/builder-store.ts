import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { anySignal } from '../async/abort.ts'
import { asSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import { goJson } from '../gostd/json.ts'
import { formatRfc3339, parseRfc3339 } from '../gostd/time.ts'
import { parseJson, readFlag, readObject, readText } from '../oci/json-reader.ts'
import { errnoOf } from '../sys/errno-error.ts'
import { lock } from '../sys/file-lock.ts'
import { checkBuilderName, isBuilderName } from './builder-name.ts'
import type { ConfigDir } from './config-dir.ts'
import { removeBuilderRefs } from './local-state.ts'
import type { NodeGroup } from './node-group.ts'
import { formatNodeGroup, parseNodeGroup } from './node-group-json.ts'

/** An instance file that could not be read. */
export interface BrokenInstance {
  readonly name: string
  readonly error: SlipwayError
}

/**
 * The builders of a configuration directory while its lock is held; disposing releases the lock. Layout:
 * `instances/NAME`, `current`, `defaults/HASH`, `activity/NAME`.
 * Source: https://github.com/docker/buildx/blob/v0.36.1/store/store.go
 */
export interface StoreTransaction extends Disposable {
  /** Every builder, by name; files that are broken keep nobody from the others. */
  list(): readonly (NodeGroup | BrokenInstance)[]
  /** Undefined where there is none. Throws `invalid-argument` for a broken file or a name that is none. */
  get(name: string): NodeGroup | undefined
  /** Writes the builder and notes that it was used `now` (milliseconds). */
  save(group: NodeGroup, now: number): void
  /** Removes it with its activity and the references to its builds. */
  remove(name: string): void
  /** Selects `name` (empty: the context's own) while `key` is the docker endpoint. */
  setCurrent(
    key: string,
    name: string,
    options: { readonly global: boolean; readonly isDefault: boolean },
  ): void
  /** The selected builder for a docker endpoint; undefined: the context's own. */
  current(key: string): NodeGroup | undefined
  /** The name that was selected for a docker endpoint, whether or not there is such a builder. */
  chosenName(key: string): string | undefined
  /** When the builder was last used, milliseconds; undefined: never. */
  lastActivity(name: string): number | undefined
  touch(name: string, now: number): void
}

/** How long another program may keep the lock, ms: `create` does while it asks nodes what they are. */
const patience = 60_000

/**
 * Waits for the lock of the directory, which other programs take too, and opens it. Throws `deadline-exceeded` where it
 * stays taken for `limit` milliseconds.
 */
export async function openStore(
  dir: ConfigDir,
  signal?: AbortSignal,
  limit: number = patience,
): Promise<StoreTransaction> {
  for (const folder of ['instances', 'defaults', 'activity']) dir.makeFolder(folder)
  const path = join(dir.path, '.lock')
  const over = AbortSignal.timeout(limit)
  try {
    return new Transaction(dir, await lock(path, { signal: anySignal(signal, over) }))
  } catch (error) {
    if (signal?.aborted === true || !over.aborted) throw error
    throw new SlipwayError(
      'deadline-exceeded',
      `failed to lock ${path}: another process holds it: context deadline exceeded`,
      { cause: error, hint: `\`fuser -v ${path}\` shows who; end it if it hangs` },
    )
  }
}

class Transaction implements StoreTransaction {
  readonly #dir: ConfigDir
  readonly #lock: Disposable

  constructor(dir: ConfigDir, held: Disposable) {
    this.#dir = dir
    this.#lock = held
  }

  list(): readonly (NodeGroup | BrokenInstance)[] {
    const names = readdirSync(join(this.#dir.path, 'instances')).filter(isBuilderName).sort()
    return names.flatMap(name => {
      try {
        return this.get(name) ?? []
      } catch (error) {
        return { name, error: asSlipwayError(error) }
      }
    })
  }

  get(name: string): NodeGroup | undefined {
    const file = join('instances', checkBuilderName(name))
    const bytes = this.#read(file)
    return bytes === undefined ? undefined : parseNodeGroup(bytes, join(this.#dir.path, file))
  }

  save(group: NodeGroup, now: number): void {
    const name = checkBuilderName(group.name)
    this.touch(group.name, now)
    this.#dir.write(join('instances', name), formatNodeGroup(group))
  }

  remove(name: string): void {
    const checked = checkBuilderName(name)
    for (const spelt of new Set([name, checked])) this.#dir.remove(join('activity', spelt))
    removeBuilderRefs(this.#dir, checked)
    this.#dir.remove(join('instances', checked))
  }

  setCurrent(
    key: string,
    name: string,
    { global, isDefault }: { readonly global: boolean; readonly isDefault: boolean },
  ): void {
    this.#dir.write('current', goJson({ Key: key, Name: name, Global: global }))
    const file = join('defaults', endpointHash(key))
    if (isDefault) this.#dir.write(file, name)
    else this.#dir.remove(file)
  }

  current(key: string): NodeGroup | undefined {
    const chosen = this.#chosen()
    if (chosen !== undefined && chosen.name !== '') {
      if (chosen.global) {
        const group = this.#getOrNothing(chosen.name)
        if (group !== undefined) return group
      }
      if (chosen.key === key) return this.#getOrNothing(chosen.name)
    }
    const remembered = this.#dir.read(join('defaults', endpointHash(key)))?.toString('utf8')
    if (remembered === undefined) {
      this.#reset(key)
      return undefined
    }
    this.setCurrent(key, remembered, { global: false, isDefault: true })
    return this.#getOrNothing(remembered)
  }

  chosenName(key: string): string | undefined {
    const chosen = this.#chosen()
    const applies = chosen !== undefined && (chosen.global || chosen.key === key)
    return applies && chosen.name !== '' ? chosen.name : undefined
  }

  lastActivity(name: string): number | undefined {
    if (!isBuilderName(name)) return undefined
    const text = this.#dir.read(join('activity', name))?.toString('utf8').trim()
    if (text === undefined || text === '') return undefined
    try {
      return parseRfc3339(text)
    } catch {
      return undefined
    }
  }

  touch(name: string, now: number): void {
    // Not flushed to the disk: a time that is lost is no loss, and every build would wait for it.
    if (isBuilderName(name)) this.#dir.write(join('activity', name), formatRfc3339(now), 0o600, false)
  }

  [Symbol.dispose](): void {
    this.#lock[Symbol.dispose]()
  }

  #read(file: string): Buffer | undefined {
    try {
      return this.#dir.read(file)
    } catch (error) {
      if (errnoOf(error) !== 'EISDIR') throw error
      throw new SlipwayError('invalid-argument', `read ${join(this.#dir.path, file)}: is a directory`, {
        cause: error,
      })
    }
  }

  #chosen(): { readonly key: string; readonly name: string; readonly global: boolean } | undefined {
    const bytes = this.#dir.read('current')
    if (bytes === undefined) return undefined
    const path = join(this.#dir.path, 'current')
    try {
      const object = readObject(parseJson(bytes, path), path)
      return {
        key: readText(object, 'Key', path) ?? '',
        name: readText(object, 'Name', path) ?? '',
        global: readFlag(object, 'Global', path),
      }
    } catch {
      // What was selected is lost with the file; the next choice writes a good one.
      return undefined
    }
  }

  #getOrNothing(name: string): NodeGroup | undefined {
    return isBuilderName(name) ? this.get(name) : undefined
  }

  /** Other builders were chosen for another endpoint: they are not chosen any more. */
  #reset(key: string): void {
    this.#dir.write('current', goJson({ Key: key, Name: '', Global: false }))
  }
}

/** File name of what is remembered about a docker endpoint. */
function endpointHash(endpoint: string): string {
  return createHash('sha256').update(endpoint).digest('hex').slice(0, 20)
}
