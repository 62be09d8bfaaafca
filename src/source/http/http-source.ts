import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { Database } from '../../content/database.ts'
import { asSlipwayError, SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import { verifyOpenPgp } from '../signature/openpgp.ts'
import { goJson } from '../../gostd/json.ts'
import { type Digest, digestOf, isDigest, parseDigest } from '../../oci/digest.ts'
import type { HttpResponse, Transport } from '../../registry/http/transport.ts'
import type { Ref } from '../../snapshot/ref.ts'
import type { LayerId, Snapshotter } from '../../snapshot/snapshotter.ts'
import { setTimes } from '../../sys/times.ts'
import type { SessionStore } from '../../session/session.ts'
import { SessionMemo } from '../session-memo.ts'
import type { SourceContext } from '../source-context.ts'
import { fileNameOf, type HttpIdentifier } from './http-identifier.ts'

const statements = [
  `CREATE TABLE http_files (
    url_hash TEXT NOT NULL, etag TEXT NOT NULL, digest TEXT NOT NULL, filename TEXT NOT NULL, modified TEXT NOT NULL,
    layer TEXT NOT NULL, PRIMARY KEY (url_hash, etag)
  ) WITHOUT ROWID`,
]

/** What the http source is made of. */
export interface HttpServices {
  readonly database: Database
  readonly snapshotter: Snapshotter
  readonly transport: Transport
  readonly sessions: SessionStore
  /** Keeps a layer as long as builds run. */
  readonly hold: (layer: LayerId) => void
  /** A secret of the clients that wait, undefined where none has it. */
  readonly secret: (id: string, ctx: SourceContext) => Promise<Uint8Array | undefined>
  /** An upload of a client (`http://buildkit-session/…`); undefined for other URLs. */
  readonly upload: (url: string, ctx: SourceContext) => AsyncIterable<Uint8Array> | undefined
}

/** A file as it was found. */
export interface HttpFile {
  readonly digest: Digest
  readonly filename: string
  /** The server's own words, as in the Last-Modified header; empty where it says nothing. */
  readonly modified: string
  /** The layer that holds it; undefined where it was not fetched yet. */
  readonly layer: LayerId | undefined
}

interface Row {
  readonly etag: string
  readonly digest: Digest
  readonly filename: string
  readonly modified: string
  readonly layer: LayerId
}

/** Servers tell BuildKit by it, whose behaviour this is. Of BuildKit: `buildkit/v0.32` */
const userAgent = 'buildkit/v0.32 slipway'

/** Redirects that are followed. */
const mostRedirects = 10

/** Files at http and https URLs. What a server vouches for by ETag is not fetched again. */
export class HttpSource {
  readonly #services: HttpServices
  readonly #found: SessionMemo<HttpFile>

  constructor(services: HttpServices) {
    this.#services = services
    this.#found = new SessionMemo(services.sessions)
    services.database.migrate('http-source', statements)
  }

  /**
   * Finds out what the file is; that may mean fetching it. With a checksum nothing is asked. Throws `not-found`
   * (`invalid response status 404`), `data-loss` where the checksum is another.
   */
  async resolve(identifier: HttpIdentifier, ctx: SourceContext): Promise<HttpFile> {
    if (identifier.checksum !== undefined) {
      return {
        digest: identifier.checksum,
        filename: fileNameOf(identifier, undefined),
        modified: '',
        layer: undefined,
      }
    }
    return this.fetch(identifier, ctx)
  }

  /** As `resolve`, and checks the signature that is wanted: that means fetching the file. Throws `permission-denied`. */
  async verified(identifier: HttpIdentifier, ctx: SourceContext): Promise<HttpFile> {
    const { signature } = identifier
    if (signature === undefined) return this.resolve(identifier, ctx)
    const file = await this.fetch(identifier, ctx)
    if (file.layer === undefined) throw new SlipwayError('internal', 'a fetched file without a layer')
    const path = join(this.#services.snapshotter.directory(file.layer), file.filename)
    try {
      const policy = { rejectExpired: false, now: Date.now() / 1000 }
      verifyOpenPgp(() => chunksOf(path), signature.text, signature.publicKey, policy)
    } catch (e) {
      throw wrapError('failed to verify pgp signature', e)
    }
    return file
  }

  /** Brings the file, or finds that the one from before is still right. */
  async fetch(identifier: HttpIdentifier, ctx: SourceContext): Promise<HttpFile> {
    const key = `${hashOf(identifier)} ${identifier.checksum ?? ''}`
    return this.#found.get(key, ctx, async () => {
      const file = await this.#fetch(identifier, ctx)
      if (file.layer !== undefined) this.#services.hold(file.layer)
      return file
    })
  }

  async #fetch(identifier: HttpIdentifier, ctx: SourceContext): Promise<HttpFile> {
    const url = identifier.url.href
    const upload = this.#services.upload(url, ctx)
    if (upload !== undefined)
      return this.#save(
        identifier,
        { body: upload, filename: fileNameOf(identifier, undefined), modified: '' },
        ctx,
      )
    const urlHash = hashOf(identifier)
    const known = await this.#known(urlHash)
    if (known.length > 0) {
      const same = await this.#unchanged(identifier, known, ctx)
      if (same) return this.#checked(identifier, same)
    }
    const response = await this.#send(identifier, 'GET', etagHeader(known), ctx)
    if (response.status === 304) {
      response.discard()
      const etag = cleanEtag(response.header('etag') ?? '')
      const same = known.find(row => row.etag === etag) ?? (known.length === 1 ? known[0] : undefined)
      if (same) return this.#checked(identifier, same)
      throw new SlipwayError('unavailable', `invalid not-modified ETag: ${etag}`)
    }
    checkStatus(response, url)
    const modified = response.header('last-modified') ?? ''
    const filename = fileNameOf(identifier, response.header('content-disposition'))
    const file = await this.#save(identifier, { body: bodyOf(response), filename, modified }, ctx)
    const etag = cleanEtag(response.header('etag') ?? '')
    if (etag !== '' && file.layer !== undefined) {
      this.#services.database
        .prepare('INSERT OR REPLACE INTO http_files VALUES (?, ?, ?, ?, ?, ?)')
        .run(urlHash, etag, file.digest, filename, modified, file.layer)
    }
    return file
  }

  /** Key of the file. Equal to BuildKit's: https://github.com/moby/buildkit/blob/v0.32.2/source/http/source.go */
  key(identifier: HttpIdentifier, file: HttpFile): string {
    const { mode, uid, gid, headers, authHeaderSecret } = identifier
    return digestOf(
      goJson({
        Filename: file.filename,
        Perm: mode,
        UID: uid,
        GID: gid,
        Checksum: file.digest,
        LastModTime: file.modified || undefined,
        AuthHeaderSecret: authHeaderSecret || undefined,
        Header:
          headers.length === 0 ? undefined : headers.map(field => ({ Name: field.name, Value: field.value })),
      }),
    )
  }

  /** The tree with the file in it. */
  async tree(identifier: HttpIdentifier, file: HttpFile, ctx: SourceContext): Promise<Ref> {
    const { checksum: _, ...whatever } = identifier
    const found = file.layer === undefined ? await this.fetch(whatever, ctx) : file
    if (found.digest !== file.digest) {
      throw new SlipwayError('data-loss', `digest mismatch ${found.digest}: ${file.digest}`, { hint })
    }
    return { kind: 'stack', layers: found.layer === undefined ? [] : [{ kind: 'layer', id: found.layer }] }
  }

  #checked(identifier: HttpIdentifier, row: Row): HttpFile {
    const { checksum } = identifier
    if (checksum !== undefined && row.digest !== checksum) throw mismatch(identifier, row.digest)
    return { digest: row.digest, filename: row.filename, modified: row.modified, layer: row.layer }
  }

  async #known(urlHash: string): Promise<readonly Row[]> {
    const rows: Row[] = []
    for (const row of this.#services.database
      .prepare('SELECT * FROM http_files WHERE url_hash = ?')
      .all(urlHash)) {
      const digest = String(row['digest'])
      const layer = String(row['layer'])
      const exists = await this.#services.snapshotter.get(layer).then(
        () => true,
        () => false,
      )
      if (!exists || !isDigest(digest)) continue
      rows.push({
        etag: String(row['etag']),
        digest,
        layer,
        filename: String(row['filename']),
        modified: String(row['modified']),
      })
    }
    return rows
  }

  /** Some servers handle conditional requests badly: the tag is asked for by HEAD and compared here. */
  async #unchanged(
    identifier: HttpIdentifier,
    known: readonly Row[],
    ctx: SourceContext,
  ): Promise<Row | undefined> {
    try {
      const response = await this.#send(identifier, 'HEAD', etagHeader(known), ctx)
      response.discard()
      if (response.status !== 200 && response.status !== 304) return undefined
      const etag = cleanEtag(response.header('etag') ?? '')
      if (etag === '' && response.status === 304 && known.length === 1) return known[0]
      return known.find(row => row.etag === etag)
    } catch (e) {
      if (ctx.signal.aborted) throw e
      return undefined
    }
  }

  async #send(
    identifier: HttpIdentifier,
    method: 'GET' | 'HEAD',
    extra: Readonly<Record<string, string>>,
    ctx: SourceContext,
  ): Promise<HttpResponse> {
    let { url } = identifier
    const authorization = await this.#authorization(identifier, ctx)
    const headers: Record<string, string> = { 'user-agent': userAgent, 'accept-encoding': 'gzip', ...extra }
    for (const field of identifier.headers) headers[field.name.toLowerCase()] = field.value
    for (let redirects = 0; ; redirects++) {
      const mayTell = authorization !== undefined && url.origin === identifier.url.origin
      const response = await this.#services.transport
        .send({ method, url, headers: mayTell ? { ...headers, authorization } : headers, signal: ctx.signal })
        .catch(asGet)
      const location = response.header('location')
      if (![301, 302, 303, 307, 308].includes(response.status) || location === undefined) return response
      response.discard()
      if (redirects >= mostRedirects)
        throw new SlipwayError(
          'unavailable',
          `stopped after ${mostRedirects} redirects: ${identifier.url.href}`,
        )
      url = new URL(location, url)
      if (url.protocol !== 'http:' && url.protocol !== 'https:')
        throw new SlipwayError('unavailable', `redirect to ${url.protocol} refused`)
    }
  }

  async #authorization(identifier: HttpIdentifier, ctx: SourceContext): Promise<string | undefined> {
    const text = async (id: string): Promise<string | undefined> => {
      const bytes = await this.#services.secret(id, ctx)
      return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8')
    }
    const { authHeaderSecret } = identifier
    if (authHeaderSecret !== undefined) {
      const value = await text(authHeaderSecret)
      if (value === undefined)
        throw new SlipwayError(
          'not-found',
          `failed to retrieve HTTP auth secret ${authHeaderSecret}: not found`,
        )
      return value
    }
    const host = identifier.url.hostname
    const token = await text(`HTTP_AUTH_TOKEN_${host}`)
    return token === undefined ? text(`HTTP_AUTH_HEADER_${host}`) : `Bearer ${token}`
  }

  async #save(
    identifier: HttpIdentifier,
    content: { body: AsyncIterable<Uint8Array>; filename: string; modified: string },
    ctx: SourceContext,
  ): Promise<HttpFile> {
    await using active = await this.#services.snapshotter.prepare([], {
      description: `http url ${identifier.url.href}`,
    })
    const path = join(active.upper, content.filename)
    const hash = createHash('sha256')
    const file = await open(path, 'wx', identifier.mode || 0o600)
    try {
      for await (const chunk of content.body) {
        ctx.signal.throwIfAborted()
        hash.update(chunk)
        await file.writeFile(chunk)
      }
      await file.chmod(identifier.mode || 0o600)
      await file.chown(identifier.uid, identifier.gid)
    } finally {
      await file.close()
    }
    const modifiedMs = Date.parse(content.modified)
    const mtimeNs = Number.isNaN(modifiedMs) ? 0n : BigInt(modifiedMs) * 1_000_000n
    setTimes(path, mtimeNs, mtimeNs)
    const digest = parseDigest(`sha256:${hash.digest('hex')}`)
    if (identifier.checksum !== undefined && digest !== identifier.checksum)
      throw mismatch(identifier, digest)
    const layer = await active.commit()
    return { digest, filename: content.filename, modified: content.modified, layer: layer.id }
  }
}

function* chunksOf(path: string): Iterable<Uint8Array> {
  const fd = openSync(path, 'r')
  try {
    const buffer = Buffer.alloc(1 << 18)
    for (let n = readSync(fd, buffer); n > 0; n = readSync(fd, buffer)) yield buffer.subarray(0, n)
  } finally {
    closeSync(fd)
  }
}

const hint = 'the file is not the one that --checksum names'

const mismatch = (identifier: HttpIdentifier, got: Digest): SlipwayError =>
  new SlipwayError(
    'data-loss',
    `digest mismatch for ${identifier.url.href}: ${got} (expected: ${identifier.checksum})`,
    { hint },
  )

/** The bytes of the file, without the compression of their transfer. */
function bodyOf(response: HttpResponse): AsyncIterable<Uint8Array> {
  if (response.header('content-encoding')?.toLowerCase() !== 'gzip') return response.body
  const unzip = createGunzip()
  pipeline(Readable.from(response.body), unzip, () => {})
  return unzip
}

function hashOf(identifier: HttpIdentifier): string {
  const { url, filename, mode, uid, gid, headers, authHeaderSecret } = identifier
  return digestOf(JSON.stringify([url.href, filename, mode, uid, gid, headers, authHeaderSecret]))
}

/** Weak tags name the same content for us. */
const cleanEtag = (etag: string): string => etag.replace(/^W\//, '')

const etagHeader = (known: readonly Row[]): Readonly<Record<string, string>> =>
  known.length === 0 ? {} : { 'if-none-match': known.map(row => row.etag).join(', ') }

function checkStatus(response: HttpResponse, url: string): void {
  if (response.status >= 200 && response.status < 400) return
  response.discard()
  throw new SlipwayError(
    response.status === 404 ? 'not-found' : 'unavailable',
    `invalid response status ${response.status}`,
    {
      hint: `${url} answered ${response.statusText}`,
    },
  )
}

/** A request that got no answer is told as Go's client tells it, without the words that registries' errors have. */
function asGet(e: unknown): never {
  const error = asSlipwayError(e)
  const { code, message, details, hint } = error
  throw new SlipwayError(code, message.replace(/^failed to do request: /, ''), {
    cause: e,
    details,
    ...(hint === undefined ? {} : { hint }),
  })
}
