import { SlipwayError } from '../errors/slipway-error.ts'
import { parseReference } from '../oci/reference.ts'
import type { BlobIdentifier, BlobSource } from '../source/image/blob-source.ts'
import { readNumber, safeName } from '../source/http/http-identifier.ts'
import type { SourceFactory } from './source-op.ts'

type Scheme = 'docker-image+blob' | 'oci-layout+blob'

/** `docker-image+blob://` and `oci-layout+blob://`: one blob as a file. */
export function blobSourceFactory(scheme: Scheme, source: BlobSource): SourceFactory {
  return (rest, attrs) => {
    const identifier = parseBlobIdentifier(scheme, rest, attrs)
    return {
      keys: async () => [source.key(identifier)],
      tree: ctx => source.tree(identifier, ctx),
      pin: () => identifier.digest,
    }
  }
}

/** Reads `<scheme>://<name>@<digest>` with its attributes. Throws `invalid-argument`. */
export function parseBlobIdentifier(
  scheme: Scheme,
  rest: string,
  attrs: Readonly<Record<string, string>>,
): BlobIdentifier {
  const reference = parseReference(rest)
  const { digest } = reference
  if (digest === undefined) {
    throw new SlipwayError('invalid-argument', `invalid reference digest: ${JSON.stringify(rest)}`)
  }
  const storeId = attrs['oci.store'] ?? ''
  if (scheme === 'oci-layout+blob' && storeId === '') {
    throw new SlipwayError('invalid-argument', 'oci-layout blob source requires store id')
  }
  const filename = attrs['http.filename'] ?? ''
  return {
    reference,
    digest,
    mode: readNumber(attrs, 'http.perm', 0) & 0o7777,
    uid: readNumber(attrs, 'http.uid', 10),
    gid: readNumber(attrs, 'http.gid', 10),
    ...(filename === '' ? {} : { filename: safeName(filename) }),
    ...(scheme === 'oci-layout+blob' ? { store: { sessionId: attrs['oci.session'] ?? '', storeId } } : {}),
  }
}
