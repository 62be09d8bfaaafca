import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { goJson } from '../../gostd/json.ts'
import { type Digest, digestOf } from '../../oci/digest.ts'
import type { Reference } from '../../oci/reference.ts'
import type { Ref } from '../../snapshot/ref.ts'
import type { Snapshotter } from '../../snapshot/snapshotter.ts'
import { setTimes } from '../../sys/times.ts'
import type { SourceContext } from '../source-context.ts'
import type { ClientStore, ImageLookup } from './resolve-image.ts'

/** One blob of a registry's repository, or of an OCI layout of a client, as a file. */
export interface BlobIdentifier {
  readonly reference: Reference
  readonly digest: Digest
  /** The layout of a client that it is in; undefined for registries. */
  readonly store?: ClientStore
  /** Name of the file; the hex digits of the digest where it is not said. */
  readonly filename?: string
  /** Permission bits; 0 for 0600. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/** Where a blob is. */
export type BlobPlace = Pick<BlobIdentifier, 'reference' | 'digest' | 'store'>

/** Blobs as sources of a build. */
export class BlobSource {
  readonly #snapshotter: Snapshotter
  readonly #lookup: ImageLookup

  constructor(state: { readonly snapshotter: Snapshotter }, lookup: ImageLookup) {
    this.#snapshotter = state.snapshotter
    this.#lookup = lookup
  }

  /** Equal to BuildKit's: https://github.com/moby/buildkit/blob/v0.32.2/source/containerblob/pull.go */
  key(identifier: BlobIdentifier): string {
    const { digest, filename = '', mode, uid, gid } = identifier
    return digestOf(goJson({ Digest: digest, Filename: filename, Perm: mode, UID: uid, GID: gid }))
  }

  /** The tree with the file in it; its time is 1970. Throws `not-found`, `data-loss`. */
  async tree(identifier: BlobIdentifier, ctx: SourceContext): Promise<Ref> {
    await using active = await this.#snapshotter.prepare([], { description: `blob ${identifier.digest}` })
    const path = join(
      active.upper,
      identifier.filename ?? identifier.digest.slice(identifier.digest.indexOf(':') + 1),
    )
    const hash = createHash('sha256')
    const file = await open(path, 'wx', 0o600)
    try {
      for await (const chunk of this.bytes(identifier, ctx)) {
        hash.update(chunk)
        await file.writeFile(chunk)
      }
      await file.chmod(identifier.mode === 0 ? 0o600 : identifier.mode)
      await file.chown(identifier.uid, identifier.gid)
    } finally {
      await file.close()
    }
    const got = `sha256:${hash.digest('hex')}`
    if (got !== identifier.digest) {
      throw new SlipwayError('data-loss', `expected checksum to match ${identifier.digest}, got ${got}`)
    }
    setTimes(path, 0n, 0n)
    const { id } = await active.commit()
    return { kind: 'stack', layers: [{ kind: 'layer', id }] }
  }

  /** What is in the blob; it is verified by who reads it. */
  bytes({ store, reference, digest }: BlobPlace, ctx: SourceContext): AsyncIterable<Uint8Array> {
    const images = store === undefined ? this.#lookup.remote(reference, ctx) : this.#lookup.layout(store, ctx)
    return images.fetch({ mediaType: 'application/octet-stream', digest, size: -1 }, { signal: ctx.signal })
  }
}
