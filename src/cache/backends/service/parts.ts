import type { RequestBody } from '../../../registry/http/transport.ts'
import { takeBytes } from '../../../registry/skip-bytes.ts'

/** Content to store. `open` may be called often; `size` and `offset` in bytes. */
export interface Content {
  readonly size: number
  open(offset: number): AsyncIterable<Uint8Array>
}

/** One part of content that is stored in parts. */
export interface Part {
  /** From 0. */
  readonly number: number
  readonly offset: number
  readonly body: RequestBody
}

/** Content as one request takes it. */
export function wholeBody(content: Content): RequestBody {
  return { size: content.size, open: () => content.open(0) }
}

/** Content in parts of `size` bytes, or larger ones where there would be more than `most`. None is held in memory. */
export function partsOf(content: Content, size: number, most: number): readonly Part[] {
  const length = Math.max(size, Math.ceil(content.size / most))
  return Array.from({ length: Math.ceil(content.size / length) }, (_, number): Part => {
    const offset = number * length
    const rest = Math.min(length, content.size - offset)
    return { number, offset, body: { size: rest, open: () => takeBytes(content.open(offset), rest) } }
  })
}
