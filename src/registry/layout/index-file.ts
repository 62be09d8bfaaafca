import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDirectories } from '../../bytes/make-directories.ts'
import { asSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import { goJson, type JsonValue } from '../../gostd/json.ts'
import { annotation } from '../../oci/annotations.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { descriptorJson, textMapJson } from '../../oci/descriptor-json.ts'
import { type Index, maxManifestSize, parseIndex } from '../../oci/manifest.ts'
import { mediaType } from '../../oci/media-type.ts'

/** Keeps others from changing a layout's index at the same time; `path` is that of the lock file. */
export type LayoutLock = (path: string, signal?: AbortSignal) => Promise<Disposable>

const indexName = 'index.json'

/** The index of a layout directory. Throws `not-found` where there is none. */
export async function readIndexFile(directory: string): Promise<Index> {
  const path = join(directory, indexName)
  let bytes: Uint8Array
  try {
    const { size } = await stat(path)
    if (size > maxManifestSize)
      throw new SlipwayError('resource-exhausted', `${path} is larger than ${maxManifestSize} bytes`)
    bytes = await readFile(path)
  } catch (error) {
    const { code, message } = asSlipwayError(error)
    throw new SlipwayError(code, `could not read ${path}: ${message.replace(/^stat /, 'open ')}`, {
      cause: error,
      hint: `${directory} is not an OCI layout directory, or not readable`,
    })
  }
  return parseIndex(bytes, mediaType.ociIndex)
}

/** As `readIndexFile`; an absent one is empty. */
export async function readIndexIfAny(directory: string): Promise<Index> {
  try {
    return await readIndexFile(directory)
  } catch (error) {
    if (asSlipwayError(error).code !== 'not-found') throw error
    return { schemaVersion: 2, mediaType: mediaType.ociIndex, manifests: [] }
  }
}

/** Writes `oci-layout` where it is missing, and the index, in one step each. */
export async function writeIndexFile(directory: string, index: Index): Promise<void> {
  await makeDirectories(directory)
  const marker = join(directory, 'oci-layout')
  const known = await stat(marker).catch(() => undefined)
  if (known === undefined) await replace(marker, '{"imageLayoutVersion":"1.0.0"}')
  const json: JsonValue = {
    schemaVersion: 2,
    mediaType: index.mediaType ?? mediaType.ociIndex,
    manifests: index.manifests.map(descriptorJson),
    annotations: textMapJson(index.annotations),
  }
  await replace(join(directory, indexName), goJson(json))
}

async function replace(path: string, text: string): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}`
  try {
    await writeFile(temporary, text, { flag: 'wx', mode: 0o644 })
    await rename(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
}

/**
 * The index with `descriptor` entered under `tag` (replacing what had it), for the image `name` where one is given; or
 * without a name. Source: github.com/moby/buildkit client/ociindex/ociindex.go at v0.32.2.
 */
export function enterRoot(index: Index, descriptor: Descriptor, tag: string | undefined, name = ''): Index {
  if (tag === undefined) return { ...index, manifests: [...withoutEqual(index, descriptor), descriptor] }
  const others = index.manifests.filter(
    d => d.annotations?.[annotation.refName] !== tag || (d.annotations[annotation.imageName] ?? '') !== name,
  )
  const names = { [annotation.refName]: tag, ...(name === '' ? {} : { [annotation.imageName]: name }) }
  const named = { ...descriptor, annotations: { ...descriptor.annotations, ...names } }
  return { ...index, manifests: [...others, named] }
}

function withoutEqual(index: Index, descriptor: Descriptor): readonly Descriptor[] {
  const same = goJson(descriptorJson(descriptor))
  return index.manifests.filter(d => goJson(descriptorJson(d)) !== same)
}

/** The entry that `tag` names: by full image name first, then by tag. */
export function findRoot(index: Index, tag: string): Descriptor | undefined {
  return (
    index.manifests.find(d => d.annotations?.[annotation.imageName] === tag) ??
    index.manifests.find(d => d.annotations?.[annotation.refName] === tag)
  )
}
