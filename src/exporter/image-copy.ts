import type { ByteStream } from '../bytes/byte-stream.ts'
import type { ContentStore } from '../content/content-store.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { ExportContext } from './export-context.ts'
import { imageBlobs } from './image-archive.ts'
import type { WrittenImage } from './image-writer.ts'

/** What takes blobs one by one. */
export interface BlobStore {
  /** Stores a blob; one that is there already is success. */
  write(descriptor: Descriptor, bytes: ByteStream, signal?: AbortSignal): Promise<void>
}

/** Copies an image into a store; each document comes after what it refers to. */
export async function copyImage(
  image: WrittenImage,
  store: BlobStore,
  content: ContentStore,
  ctx: ExportContext,
): Promise<void> {
  for (const descriptor of (await imageBlobs(image, content, ctx)).toReversed())
    await store.write(descriptor, content.read(descriptor.digest, { signal: ctx.signal }), ctx.signal)
}
