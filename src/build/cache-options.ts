import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { makeDirectories } from '../bytes/make-directories.ts'
import type { CacheEntry } from '../bake/attrs/cache-entry.ts'
import { asSlipwayError, SlipwayError, wrapError } from '../errors/slipway-error.ts'
import { goJson, sortKeys } from '../gostd/json.ts'
import { parseBool, tryParseBool } from '../gostd/parse-number.ts'
import { type Digest, isDigest } from '../oci/digest.ts'
import { parseJson, readInteger, readObject, readText } from '../oci/json-reader.ts'
import { maxManifestSize, parseManifest } from '../oci/manifest.ts'
import { blobPath } from '../registry/layout/blob.ts'
import {
  enterRoot,
  findRoot,
  readIndexFile,
  readIndexIfAny,
  writeIndexFile,
} from '../registry/layout/index-file.ts'
import type { SharedLayout } from '../session/attachables/content.ts'

/** An entry as a node takes it. */
export interface NodeCacheEntry {
  readonly Type: string
  readonly Attrs: { [key: string]: string }
}

/** Caches of one build on one node. */
export interface BuildCaches {
  readonly exports: readonly NodeCacheEntry[]
  readonly imports: readonly NodeCacheEntry[]
  /** Directories with local caches, by the names under which the node asks for them. */
  readonly stores: Readonly<Record<string, SharedLayout>>
  readonly frontendAttrs: Readonly<Record<string, string>>
  /** Lines for the user: caches that are done without. */
  readonly warnings: readonly string[]
  /** Caches that are documents, each at one place. */
  readonly documents: readonly CacheDocument[]
  /** Enters written local caches into the indexes of their directories. */
  finish(response: Readonly<Record<string, string>>): Promise<void>
}

/** A cache that is written as a document: an image in a registry, or one in a directory. */
export type CacheDocument =
  | { readonly kind: 'registry'; readonly reference: string; readonly attributes: NodeCacheEntry['Attrs'] }
  | { readonly kind: 'local'; readonly target: LocalTarget; readonly attributes: NodeCacheEntry['Attrs'] }

/** A directory of caches. */
export interface LocalTarget {
  readonly directory: string
  readonly tag: string
  readonly reset: boolean
}

/** What caches are prepared with. */
export interface CachePreparation {
  /** Where relative paths begin. */
  readonly cwd: string
  /** An entry with what the environment says of it; undefined for one that is to be left out. */
  readonly complete?: (entry: CacheEntry) => Promise<CacheEntry | undefined>
}

/**
 * Makes caches ready: local ones become directories that the node may read and write. Throws `invalid-argument`.
 * Behaviour: https://github.com/moby/buildkit/blob/v0.32.2/client/solve.go
 */
export async function prepareCaches(
  request: {
    readonly cacheFrom: readonly CacheEntry[]
    readonly cacheTo: readonly CacheEntry[]
    readonly buildArgs?: Readonly<Record<string, string>>
  },
  { cwd, complete = async entry => entry }: CachePreparation,
): Promise<BuildCaches> {
  const stores: Record<string, SharedLayout> = {}
  const warnings: string[] = []
  const documents: CacheDocument[] = []
  const exports: NodeCacheEntry[] = []
  for (const entry of await completed([...request.cacheTo, ...inlineByArgument(request)], complete)) {
    const attributes = { ...entry.attributes }
    if (entry.type === 'registry') {
      needReference(entry, 'exporter')
      documents.push({ kind: 'registry', reference: attributes['ref'] ?? '', attributes })
    }
    if (entry.type === 'local') {
      const target = localTarget(entry, cwd)
      await makeDirectories(target.directory).catch((e: NodeJS.ErrnoException) => {
        if (e.code !== 'EEXIST' && e.code !== 'ENOTDIR') throw e
        throw invalid(`mkdir ${attributes['dest']}: not a directory`)
      })
      const dest = storeName(entry.attributes['dest'] ?? '')
      stores[`local:${dest}`] = { path: target.directory, writable: true }
      documents.push({ kind: 'local', target, attributes })
      exports.push(nodeEntry({ ...entry, attributes: { ...entry.attributes, dest } }))
    } else exports.push(nodeEntry(entry))
  }
  const imports: NodeCacheEntry[] = []
  for (const entry of await completed(request.cacheFrom, complete)) {
    if (entry.type === 'registry') needReference(entry, 'importer')
    if (entry.type !== 'local') {
      imports.push(nodeEntry(entry))
      continue
    }
    const { src = '' } = entry.attributes
    if (src === '') throw invalid('local cache importer requires src')
    const directory = resolve(cwd, src)
    try {
      const digest = await localDigest(directory, entry)
      const name = storeName(src)
      stores[`local:${name}`] ??= { path: directory }
      imports.push(nodeEntry({ ...entry, attributes: { ...entry.attributes, src: name, digest } }))
    } catch (e) {
      warnings.push(
        `local cache import at ${src} skipped due to err: ${asSlipwayError(e).message.replaceAll(directory, src)}`,
      )
    }
  }
  return {
    exports,
    imports,
    stores,
    warnings,
    documents,
    frontendAttrs:
      imports.length === 0
        ? {}
        : {
            'cache-imports': goJson(
              imports.map(({ Type, Attrs }) => ({ Type, Attrs: sortKeys({ ...Attrs }) })),
            ),
          },
    async finish(response) {
      for (const one of documents)
        if (one.kind === 'local') await enterLocalCache(one.target, response['cache.manifest'])
    },
  }
}

async function completed(
  entries: readonly CacheEntry[],
  complete: NonNullable<CachePreparation['complete']>,
): Promise<readonly CacheEntry[]> {
  const all: CacheEntry[] = []
  for (const entry of entries) {
    const made = await complete(entry)
    if (made !== undefined) all.push(made)
  }
  return all
}

/** `--build-arg BUILDKIT_INLINE_CACHE=1` is another way to ask for an inline cache. */
function inlineByArgument({
  cacheTo,
  buildArgs = {},
}: {
  readonly cacheTo: readonly CacheEntry[]
  readonly buildArgs?: Readonly<Record<string, string>>
}): readonly CacheEntry[] {
  const wanted = tryParseBool(buildArgs['BUILDKIT_INLINE_CACHE'] ?? '') === true
  return wanted && !cacheTo.some(entry => entry.type === 'inline') ? [{ type: 'inline', attributes: {} }] : []
}

/** A directory as a name that the node may say in a header: nothing but printable ASCII. */
const storeName = (directory: string): string =>
  directory.replace(/[^\x20-\x7e]/gu, char => encodeURIComponent(char.isWellFormed() ? char : '\ufffd'))

const invalid = (message: string): SlipwayError => new SlipwayError('invalid-argument', message)

const nodeEntry = (entry: CacheEntry): NodeCacheEntry => ({
  Type: entry.type,
  Attrs: { ...entry.attributes },
})

function needReference(entry: CacheEntry, kind: string): void {
  if ((entry.attributes['ref'] ?? '') === '') throw invalid(`registry cache ${kind} requires ref`)
}

function localTarget(entry: CacheEntry, cwd: string): LocalTarget {
  const { dest = '', tag = 'latest', reset = 'false' } = entry.attributes
  if (dest === '') throw invalid('local cache exporter requires dest')
  return { directory: resolve(cwd, dest), tag, reset: isReset(reset) }
}

function isReset(text: string): boolean {
  try {
    return parseBool(text)
  } catch (e) {
    throw wrapError('failed to parse reset attribute', e)
  }
}

/** The digest of the cache to import: given, or that of its tag. */
async function localDigest(directory: string, entry: CacheEntry): Promise<Digest> {
  const { digest = '', tag = 'latest' } = entry.attributes
  const given = digest === '' ? findRoot(await readIndexFile(directory), tag)?.digest : digest
  if (given === undefined) throw new SlipwayError('not-found', `no digest found for tag ${tag}`)
  if (!isDigest(given)) throw invalid(`${given} is not a digest`)
  await stat(blobPath(directory, given)).catch((e: unknown) => {
    throw new SlipwayError('not-found', `digest ${given} unavailable`, { cause: e })
  })
  return given
}

/** Enters a cache that was written into a directory into its index; `manifest` is what the node said of it. */
export async function enterLocalCache(
  { directory, tag, reset }: LocalTarget,
  manifest: string | undefined,
): Promise<void> {
  if (manifest === undefined) return
  const what = 'the answer to a cache export'
  const object = readObject(parseJson(Buffer.from(manifest), what), what)
  const digest = readText(object, 'digest', what)
  if (!isDigest(digest)) throw new SlipwayError('internal', `${what} names no digest`)
  const descriptor = {
    mediaType: readText(object, 'mediaType', what) ?? '',
    digest,
    size: readInteger(object, 'size', what) ?? 0,
  }
  const index = enterRoot(await readIndexIfAny(directory), descriptor, tag)
  await writeIndexFile(directory, index)
  if (!reset) return
  const kept = new Set<string>()
  for (const root of index.manifests) await keepAll(directory, root.digest, kept)
  const folder = join(directory, 'blobs', 'sha256')
  for (const name of await readdir(folder)) if (!kept.has(`sha256:${name}`)) await rm(join(folder, name))
}

/** Everything that a document refers to; what cannot be read as one refers to nothing. */
async function keepAll(directory: string, digest: Digest, kept: Set<string>): Promise<void> {
  if (kept.has(digest)) return
  kept.add(digest)
  const parsed = await documentOf(directory, digest)
  if (parsed === undefined) return
  if (parsed.kind === 'index') {
    for (const entry of parsed.index.manifests) {
      if (/manifest|index/.test(entry.mediaType)) await keepAll(directory, entry.digest, kept)
      else kept.add(entry.digest)
    }
    return
  }
  for (const entry of [parsed.manifest.config, ...parsed.manifest.layers]) kept.add(entry.digest)
}

async function documentOf(
  directory: string,
  digest: Digest,
): Promise<ReturnType<typeof parseManifest> | undefined> {
  try {
    const path = blobPath(directory, digest)
    if ((await stat(path)).size > maxManifestSize) return undefined
    return parseManifest(await readFile(path))
  } catch {
    return undefined
  }
}
