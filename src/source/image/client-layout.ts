import { collect } from '../../bytes/collect.ts'
import { verify } from '../../bytes/verify.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { isDigest } from '../../oci/digest.ts'
import type { ImageStore } from '../../oci/image-store.ts'
import { maxManifestSize, parseManifest } from '../../oci/manifest.ts'
import { type ClientContent, clientContent } from '../../session/callers/client-content.ts'
import type { SessionStore } from '../../session/session.ts'
import type { SourceContext } from '../source-context.ts'
import type { ClientStore } from './resolve-image.ts'

const readOnly = (): never => {
  throw new SlipwayError('unimplemented', 'OCI layouts of clients are only read')
}

/** An OCI layout that a client offers, read over its session; images are named by digest. Everything is verified. */
export function clientLayout(store: ClientStore, sessions: SessionStore, ctx: SourceContext): ImageStore {
  let content: Promise<ClientContent> | undefined
  const open = (): Promise<ClientContent> => (content ??= openContent(store, sessions, ctx))
  const resolve: ImageStore['resolve'] = async (target, options) => {
    if (!isDigest(target)) {
      throw new SlipwayError('invalid-argument', `reference ${JSON.stringify(target)} must have digest`)
    }
    const client = await open()
    const size = await client.size(target, options?.signal)
    const stream = verify(client.read(target, { signal: options?.signal }), { digest: target, size })
    const bytes = await collect(stream, { limit: maxManifestSize })
    const { mediaType } = parseManifest(bytes)
    return { descriptor: { mediaType, digest: target, size: bytes.length }, bytes }
  }
  return {
    name: `oci-layout://${store.storeId}`,
    resolve,
    head: async (target, options) => (await resolve(target, options)).descriptor,
    async *fetch(descriptor, options) {
      const client = await open()
      const { digest, size } = descriptor
      const bytes = client.read(digest, { signal: options?.signal })
      yield* verify(bytes, size < 0 ? { digest } : { digest, size })
    },
    referrers: async () => [],
    tags: async () => [],
    hasBlob: async ({ digest }, options) => {
      const client = await open()
      return client.size(digest, options?.signal).then(
        () => true,
        () => false,
      )
    },
    putBlob: readOnly,
    mountBlob: async () => false,
    putManifest: readOnly,
  }
}

async function openContent(
  store: ClientStore,
  sessions: SessionStore,
  ctx: SourceContext,
): Promise<ClientContent> {
  const id = store.sessionId || ctx.sessions().at(-1)
  if (id === undefined) {
    throw new SlipwayError(
      'failed-precondition',
      'could not access an OCI layout of a client without session',
    )
  }
  return clientContent(await sessions.get(id, { signal: ctx.signal }), `oci:${store.storeId}`)
}
