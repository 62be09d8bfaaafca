import { makeDirectories } from '../bytes/make-directories.ts'
import type { ByteStream } from '../bytes/byte-stream.ts'
import { collect } from '../bytes/collect.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { parseDescriptor } from '../oci/descriptor-json.ts'
import { type Digest, isDigest } from '../oci/digest.ts'
import { annotation } from '../oci/annotations.ts'
import { type Index, maxManifestSize, parseIndex } from '../oci/manifest.ts'
import { mediaType } from '../oci/media-type.ts'
import { parseJson } from '../oci/json-reader.ts'
import { parseReference } from '../oci/reference.ts'
import { blobSize, writeBlob } from '../registry/layout/blob.ts'
import { enterRoot, readIndexIfAny, writeIndexFile } from '../registry/layout/index-file.ts'
import type { SharedLayout } from '../session/attachables/content.ts'
import { readTar, type TarMember } from '../tar/read-tar.ts'
import type { OutputTarget, ResolvedOutput } from './outputs.ts'

/**
 * What a session offers for outputs with `tar=false`: the daemon copies blobs into the one store that it knows for images.
 * Throws `invalid-argument` in BuildKit's words where there are two.
 * Behaviour: https://github.com/moby/buildkit/blob/v0.32.2/client/solve.go
 */
export function exportStores(outputs: readonly ResolvedOutput[]): Readonly<Record<string, SharedLayout>> {
  const [first, second] = layoutsOf(outputs)
  if (second !== undefined)
    throw new SlipwayError('invalid-argument', 'oci store key "export" already exists', {
      hint: 'a build writes one output with tar=false',
    })
  return first === undefined ? {} : { export: { path: first.path, writable: true } }
}

/** Enters an image that was copied into a layout into its index, by the names that the daemon gave it, else as `latest`. */
export async function enterImages(
  outputs: readonly ResolvedOutput[],
  response: Readonly<Record<string, string>>,
): Promise<void> {
  const text = response['containerimage.descriptor']
  if (text === undefined) return
  for (const { path } of layoutsOf(outputs)) {
    const what = 'the answer of the exporter'
    const descriptor = parseDescriptor(parseJson(Buffer.from(text, 'base64'), what), what)
    const names = (response['image.name'] ?? '').split(',').filter(name => name !== '')
    let index = await readIndexIfAny(path)
    if (names.length === 0) index = enterRoot(index, descriptor, 'latest')
    for (const name of names) index = enterRoot(index, descriptor, objectOf(name), name)
    await writeIndexFile(path, index)
  }
}

/** Puts what an OCI archive has in it into a layout directory, which may hold other images already. Throws `data-loss`. */
export async function unpackLayout(path: string, archive: ByteStream, signal: AbortSignal): Promise<void> {
  let top: Index | undefined
  await makeDirectories(path)
  for await (const { entry, content } of readTar(archive)) {
    if (entry.type !== 'file') continue
    const digest = digestOfMember(entry.name)
    if (digest !== undefined && (await blobSize(path, digest)) !== entry.size)
      await writeBlob(path, { digest, size: entry.size }, bytesOf(content), signal)
    if (entry.name === 'index.json')
      top = parseIndex(
        await collect(bytesOf(content), { limit: maxManifestSize, what: entry.name }),
        mediaType.ociIndex,
      )
  }
  if (top === undefined) throw new SlipwayError('data-loss', 'the archive of a node has no index.json')
  let index = await readIndexIfAny(path)
  for (const one of top.manifests) {
    const {
      [annotation.refName]: tag = 'latest',
      [annotation.imageName]: name,
      ...annotations
    } = one.annotations ?? {}
    index = enterRoot(index, { ...one, annotations }, tag, name)
  }
  await writeIndexFile(path, index)
}

function digestOfMember(name: string): Digest | undefined {
  const digest = `sha256:${name.slice('blobs/sha256/'.length)}`
  return name.startsWith('blobs/sha256/') && isDigest(digest) ? digest : undefined
}

async function* bytesOf(content: TarMember['content']): ByteStream {
  for await (const { bytes } of content) yield bytes
}

type LayoutTarget = Extract<OutputTarget, { readonly kind: 'layout' }>

const layoutsOf = (outputs: readonly ResolvedOutput[]): readonly LayoutTarget[] =>
  outputs.flatMap(({ target }) => (target?.kind === 'layout' ? [target] : []))

/** Of a full name what follows the repository: tag, digest, or both. */
function objectOf(name: string): string {
  const { tag, digest } = parseReference(name)
  return [tag ?? '', ...(digest === undefined ? [] : [digest])].join('@')
}
