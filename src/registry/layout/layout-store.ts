import { join } from 'node:path'
import { makeDirectories } from '../../bytes/make-directories.ts'
import { Semaphore } from '../../async/semaphore.ts'
import { collect } from '../../bytes/collect.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { annotation } from '../../oci/annotations.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { type Digest, isDigest } from '../../oci/digest.ts'
import type { ImageStore, OpenBlob, ResolvedManifest, StoreOptions } from '../../oci/image-store.ts'
import { detectManifestType, type Index, maxManifestSize, parseManifest } from '../../oci/manifest.ts'
import { blobSize, readBlob, writeBlob } from './blob.ts'
import {
  enterRoot,
  findRoot,
  type LayoutLock,
  readIndexFile,
  readIndexIfAny,
  writeIndexFile,
} from './index-file.ts'
import { formatLayoutLocation } from './location.ts'
import { describeReferrer, findReferrers, subjectOf } from './referrer.ts'

/** What a layout store takes besides its directory. */
export interface LayoutStoreOptions {
  /** Keeps other processes from changing the index meanwhile. Without it only this store's own writes are in order. */
  readonly lock?: LayoutLock
}

/** An OCI layout directory as an image store; made when the first thing is put. */
export class LayoutStore implements ImageStore {
  readonly name: string
  readonly directory: string
  readonly #lock: LayoutLock | undefined
  readonly #changes = new Semaphore(1)

  constructor(directory: string, options: LayoutStoreOptions = {}) {
    this.directory = directory
    this.name = formatLayoutLocation({ directory })
    this.#lock = options.lock
  }

  async head(target: string, options: StoreOptions = {}): Promise<Descriptor | undefined> {
    const found = await this.#find(target)
    if (found === undefined) return undefined
    if (found.mediaType !== '') return found
    return { ...found, mediaType: detectManifestType(await this.#readManifest(found, options)) }
  }

  async resolve(target: string, options: StoreOptions = {}): Promise<ResolvedManifest> {
    const found = await this.#find(target)
    if (found === undefined) {
      const location = {
        directory: this.directory,
        ...(isDigest(target) ? { digest: target } : { tag: target }),
      }
      throw new SlipwayError('not-found', `reference ${formatLayoutLocation(location)} not found: not found`)
    }
    const bytes = await this.#readManifest(found, options)
    const mediaType = detectManifestType(bytes, found.mediaType === '' ? undefined : found.mediaType)
    return { descriptor: { mediaType, digest: found.digest, size: found.size }, bytes }
  }

  fetch(descriptor: Descriptor, options: StoreOptions = {}): AsyncIterable<Uint8Array> {
    return readBlob(this.directory, descriptor, options.signal)
  }

  async referrers(
    subject: Digest,
    options: StoreOptions & { readonly artifactTypes?: readonly string[] } = {},
  ): Promise<readonly Descriptor[]> {
    const { artifactTypes, signal } = options
    const read = async (descriptor: Descriptor): Promise<Uint8Array | undefined> =>
      (await blobSize(this.directory, descriptor.digest)) === undefined
        ? undefined
        : await this.#readManifest(descriptor, { signal })
    const found = await findReferrers(await readIndexIfAny(this.directory), subject, read)
    return artifactTypes === undefined
      ? found
      : found.filter(d => artifactTypes.includes(d.artifactType ?? ''))
  }

  async tags(): Promise<readonly string[]> {
    const { manifests } = await readIndexIfAny(this.directory)
    return [...new Set(manifests.flatMap(d => d.annotations?.[annotation.refName] ?? []))]
  }

  async hasBlob(descriptor: Descriptor): Promise<boolean> {
    return (await blobSize(this.directory, descriptor.digest)) === descriptor.size
  }

  async putBlob(descriptor: Descriptor, open: OpenBlob, options: StoreOptions = {}): Promise<void> {
    if (await this.hasBlob(descriptor)) return
    await makeDirectories(this.directory)
    await writeBlob(this.directory, descriptor, open(0), options.signal)
  }

  async mountBlob(): Promise<boolean> {
    return false
  }

  async putManifest(
    descriptor: Descriptor,
    bytes: Uint8Array,
    options: StoreOptions & { readonly tags?: readonly string[]; readonly root?: boolean } = {},
  ): Promise<void> {
    const { tags = [], root = false, signal } = options
    const parsed = parseManifest(bytes, descriptor.mediaType)
    await this.putBlob(descriptor, async function* () {
      yield bytes
    })
    const subject = subjectOf(parsed)
    if (tags.length > 0 || root) {
      const names = tags.length > 0 ? tags : [undefined]
      const children = parsed.kind === 'index' ? parsed.index.manifests.map(d => d.digest) : []
      await this.#change(
        index => names.reduce((i, tag) => enterRoot(i, descriptor, tag), forget(index, children)),
        signal,
      )
    } else if (subject !== undefined) {
      const about = describeReferrer(descriptor, parsed)
      const annotations = { ...about.annotations, [annotation.manifestSubject]: subject }
      await this.#change(index => enterRoot(index, { ...about, annotations }, undefined), signal)
    }
  }

  async #find(target: string): Promise<Descriptor | undefined> {
    if (!isDigest(target)) {
      const entry = findRoot(await readIndexIfAny(this.directory), target)
      return entry === undefined
        ? undefined
        : { mediaType: entry.mediaType, digest: entry.digest, size: entry.size }
    }
    const size = await blobSize(this.directory, target)
    return size === undefined ? undefined : { mediaType: '', digest: target, size }
  }

  async #readManifest(descriptor: Descriptor, options: StoreOptions): Promise<Uint8Array> {
    const what = `manifest ${descriptor.digest}`
    return await collect(readBlob(this.directory, descriptor, options.signal), {
      limit: maxManifestSize,
      what,
    })
  }

  async #change(change: (index: Index) => Index, signal: AbortSignal | undefined): Promise<void> {
    using _turn = await this.#changes.acquire(signal)
    using _lock = await this.#lock?.(join(this.directory, 'index.json.lock'), signal)
    await writeIndexFile(this.directory, change(await readIndexIfAny(this.directory)))
  }

  /** Throws where the directory is no layout, instead of finding nothing in it. */
  async check(): Promise<void> {
    await readIndexFile(this.directory)
  }
}

/** The index without entries that stood there only as referrers and are reached through an image now. */
function forget(index: Index, reached: readonly Digest[]): Index {
  const gone = new Set(reached)
  const isGone = (d: Descriptor): boolean =>
    d.annotations?.[annotation.manifestSubject] !== undefined && gone.has(d.digest)
  return { ...index, manifests: index.manifests.filter(d => !isGone(d)) }
}
