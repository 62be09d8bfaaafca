import type { RegistryFault, SeenRequest } from '../../src/registry/testing/in-process-registry.ts'

/** A registry that refuses one kind of request of a push, and what BuildKit 0.32.2 says then. */
export interface PushCase {
  readonly at: (request: SeenRequest) => boolean
  readonly fault: RegistryFault
  /** What follows `failed to push NAME: `, recorded with docker-buildx 0.36.1; `HOST` and `DIGEST` stand for themselves. */
  readonly words: string
  /** What is said after `#N 0.001 ` for each transfer that is tried again. */
  readonly retried?: string
}

const isHead = ({ method, path }: SeenRequest): boolean => method === 'HEAD' && path.includes('/blobs/')
const isBegin = ({ method }: SeenRequest): boolean => method === 'POST'
const isBlob = ({ method, path }: SeenRequest): boolean => method === 'PUT' && path.includes('/blobs/')
const isManifest = ({ method, path }: SeenRequest): boolean =>
  method === 'PUT' && path.includes('/manifests/')
const isAny = (): boolean => true

const error = (code: string, message: string, detail?: unknown): unknown => ({ code, message, detail })
const answer = (status: number, ...errors: unknown[]): RegistryFault => ({
  kind: 'answer',
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ errors }),
})
const plain = (status: number, body = ''): RegistryFault => ({ kind: 'answer', status, body })
const stored = `sha256:${'0'.repeat(64)}`
const other: RegistryFault = {
  kind: 'answer',
  status: 201,
  headers: { 'docker-content-digest': stored },
}

const head = 'unexpected status from HEAD request to http://HOST/v2/NAME/blobs/DIGEST'
const begin = 'unexpected status from POST request to http://HOST/v2/NAME/blobs/uploads/'
const put = 'unexpected status from PUT request to http://HOST/v2/NAME/manifests/1'

/** Pushes by the fault of their registry; the names are repositories. */
export const pushCases: Readonly<Record<string, PushCase>> = {
  'all-401': {
    at: isAny,
    fault: answer(401, error('UNAUTHORIZED', 'authentication required')),
    words: `${head}: 401 Unauthorized`,
  },
  'all-403': {
    at: isAny,
    fault: answer(403, error('DENIED', 'requested access to the resource is denied')),
    words: 'denied',
  },
  'all-403-html': {
    at: isAny,
    fault: plain(403, '<html>no</html>'),
    words: `${head}: 403 Forbidden: <html>no</html>`,
  },
  'head-401': { at: isHead, fault: plain(401), words: `${head}: 401 Unauthorized` },
  'head-403': { at: isHead, fault: plain(403), words: `${head}: 403 Forbidden` },
  'begin-403': {
    at: isBegin,
    fault: answer(403, error('DENIED', 'no such right')),
    words: 'denied: no such right',
  },
  'begin-404': {
    at: isBegin,
    fault: answer(404, error('NAME_UNKNOWN', 'repository name not known to registry', { name: 'x' })),
    words: 'unknown: repository name not known to registry',
  },
  'begin-405': {
    at: isBegin,
    fault: answer(405, error('UNSUPPORTED', 'The operation is unsupported.')),
    words: 'unsupported',
  },
  'begin-500': {
    at: isBegin,
    fault: answer(500, error('UNKNOWN', 'unknown error')),
    words: 'unknown',
    retried: `error: ${begin}: 500 Internal Server Error`,
  },
  'begin-503': {
    at: isBegin,
    fault: plain(503, 'down'),
    words: `${begin}: 503 Service Unavailable: down`,
    retried: `error: ${begin}: 503 Service Unavailable`,
  },
  'blob-400': {
    at: isBlob,
    fault: answer(400, error('DIGEST_INVALID', 'provided digest did not match uploaded content')),
    words: 'unknown: provided digest did not match uploaded content',
  },
  'blob-cut': {
    at: isBlob,
    fault: { kind: 'reset' },
    words: 'failed commit on ref "KIND-DIGEST": failed to do request: Put "UPLOAD": EOF',
    retried: 'error: failed commit on ref "KIND-DIGEST": failed to do request: Put "UPLOAD": EOF',
  },
  'blob-other': {
    at: isBlob,
    fault: other,
    words: 'failed commit on ref "KIND-DIGEST": got digest DIGEST, expected DIGEST',
  },
  'manifest-400': {
    at: isManifest,
    fault: answer(400, error('MANIFEST_INVALID', 'manifest invalid')),
    words: 'unknown: manifest invalid',
  },
  'manifest-400-twice': {
    at: isManifest,
    fault: answer(
      400,
      error('MANIFEST_BLOB_UNKNOWN', 'blob unknown to registry', { digest: 'sha256:aa' }),
      error('MANIFEST_BLOB_UNKNOWN', 'blob unknown to registry', 'sha256:bb'),
    ),
    words: 'errors:\nunknown: blob unknown to registry\nunknown: blob unknown to registry - sha256:bb',
  },
  'manifest-403': {
    at: isManifest,
    fault: answer(403, error('DENIED', 'tag is immutable')),
    words: 'denied: tag is immutable',
  },
  'manifest-404': { at: isManifest, fault: plain(404), words: `${put}: 404 Not Found` },
  'manifest-413': {
    at: isManifest,
    fault: plain(413, 'x'.repeat(300)),
    words: `${put}: 413 Payload Too Large: ${'x'.repeat(256)}... (44 bytes truncated)`,
  },
  'manifest-other': {
    at: isManifest,
    fault: other,
    words: 'failed commit on ref "KIND-DIGEST": got digest DIGEST, expected DIGEST',
  },
}
