import type { ByteStream } from '../../bytes/byte-stream.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { Upload } from '../../proto/gen/upload_pb.ts'
import { uploadHost, uploadKeys } from '../attachables/upload.ts'
import type { SessionCaller } from '../session.ts'
import { callStream } from '../transport/call.ts'
import { supported } from './supported.ts'

/** Tells whether a URL means a stream of the client's session. */
export function isUploadUrl(url: string): boolean {
  return url.startsWith(`http://${uploadHost}/`)
}

/** The bytes behind such a URL; they can be pulled once. Throws `failed-precondition`, and what the client reports. */
export async function* pullUpload(caller: SessionCaller, url: string, signal?: AbortSignal): ByteStream {
  if (!supported(caller, Upload.method.pull)) {
    throw new SlipwayError('failed-precondition', 'the client does not serve uploads in its session')
  }
  const { pathname, host } = new URL(url)
  const headers = new Headers({ [uploadKeys.path]: pathname, [uploadKeys.host]: host })
  for await (const { data } of callStream(caller.transport, Upload.method.pull, nothing(), {
    headers,
    signal,
  })) {
    yield data
  }
}

async function* nothing(): AsyncGenerator<never> {}
