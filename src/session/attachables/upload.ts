import { posix } from 'node:path'
import type { ByteStream } from '../../bytes/byte-stream.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { Upload } from '../../proto/gen/upload_pb.ts'
import type { Attachable } from '../attachable.ts'

/** Streams that a build may pull, each once, by name. */
export interface Uploads extends Attachable {
  /** Offers a stream; returns the URL by which a build names it. */
  add(name: string, stream: ByteStream): string
}

/** Host of the URLs that mean a stream of the client. */
export const uploadHost = 'buildkit-session'

const maxChunk = 1024 * 1024

/** Metadata keys of a pull. */
export const uploadKeys = { path: 'urlpath', host: 'urlhost' } as const

/** Offers streams: a build context or a Dockerfile that comes from standard input. */
export function uploads(): Uploads {
  const streams = new Map<string, ByteStream>()
  return {
    add(name, stream) {
      streams.set(name, stream)
      return `http://${uploadHost}/${name}`
    },
    routes: router =>
      router.service(Upload, {
        async *pull(_, context) {
          const name = posix.basename(context.requestHeader.get(uploadKeys.path) ?? '')
          const stream = streams.get(name)
          if (stream === undefined) {
            throw new SlipwayError('unknown', `no http response from session for ${name}`)
          }
          streams.delete(name)
          for await (const chunk of stream) {
            for (let at = 0; at < chunk.length; at += maxChunk)
              yield { data: chunk.subarray(at, at + maxChunk) }
          }
        },
      }),
  }
}
