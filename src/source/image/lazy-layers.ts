import type { ContentStore } from '../../content/content-store.ts'
import { SingleFlight } from '../../async/single-flight.ts'
import { asSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import { chainIds } from '../../oci/chain-id.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import type { ImageStore } from '../../oci/image-store.ts'
import type { LazyLayer, RefLayer } from '../../snapshot/ref.ts'
import type { SourceProgress } from '../source-context.ts'

interface TransferReport {
  readonly current: number
  readonly completed: boolean
}

/** Transfers of blobs that are under way, shared by all builds of the process. */
export class BlobTransfers {
  readonly #content: ContentStore
  readonly #flights = new SingleFlight<Digest, void, TransferReport>()

  constructor(content: ContentStore) {
    this.#content = content
  }

  /** Brings a blob into the content store, once at a time however many ask. */
  async bring(
    descriptor: Descriptor,
    store: Pick<ImageStore, 'fetch'>,
    progress: SourceProgress,
    signal: AbortSignal,
  ): Promise<void> {
    const { digest, size } = descriptor
    // One of another size was damaged since.
    if ((await this.#content.size(digest)) === size) return
    const end = progress.resume()
    try {
      await this.#flights.run(digest, (shared, report) => this.#transfer(descriptor, store, shared, report), {
        signal,
        onReport: ({ current, completed }) => progress.status(digest, { current, total: size, completed }),
      })
    } catch (error) {
      end(asSlipwayError(error).message)
      throw error
    }
    end()
  }

  async #transfer(
    descriptor: Descriptor,
    store: Pick<ImageStore, 'fetch'>,
    signal: AbortSignal,
    report: (report: TransferReport) => void,
  ): Promise<void> {
    const { digest, size } = descriptor
    report({ current: 0, completed: false })
    await using writer = await this.#content.writer({ digest, size })
    let current = 0
    let shown = 0
    for await (const chunk of store.fetch(descriptor, { signal })) {
      await writer.write(chunk)
      current += chunk.length
      if (current - shown < Math.max(size / 100, 1 << 18)) continue
      shown = current
      report({ current, completed: false })
    }
    await writer.commit()
    report({ current: size, completed: true })
  }
}

/** The layers of an image as they can be had, none of them fetched yet. */
export function lazyLayers(
  image: {
    readonly layers: readonly Descriptor[]
    readonly diffIds: readonly Digest[]
    readonly repository: string | undefined
    /** What is remembered of every layer that is unpacked. */
    readonly record?: LazyLayer['record']
    /** Of each layer, what is known. */
    readonly facts?: readonly { readonly createdMs?: number; readonly description?: string }[]
  },
  store: Pick<ImageStore, 'fetch'>,
  transfers: BlobTransfers,
  progress: SourceProgress,
): readonly RefLayer[] {
  const chain = chainIds(image.diffIds)
  return image.layers.map((descriptor, i): RefLayer => {
    const diffId = image.diffIds[i]
    const chainId = chain[i]
    const { createdMs, description } = image.facts?.[i] ?? {}
    if (diffId === undefined || chainId === undefined)
      throw new SlipwayError('invalid-argument', 'an image has more layers than diff IDs')
    return {
      kind: 'lazy',
      lazy: {
        descriptor,
        diffId,
        chainId,
        ...(createdMs === undefined ? {} : { createdMs }),
        ...(description === undefined ? {} : { description }),
        ...(image.record === undefined ? {} : { record: image.record }),
        ...(image.repository === undefined ? {} : { repository: image.repository }),
        begin: () => progress.resume(),
        fetch: signal => transfers.bring(descriptor, store, progress, signal),
        unpacking: done => progress.status(`extracting ${descriptor.digest}`, { completed: done }),
      },
    }
  })
}
