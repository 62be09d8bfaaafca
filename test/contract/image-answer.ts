import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import { readTar } from '../../src/tar/read-tar.ts'

/** What can be compared of an image: its configuration without times, and the files of its layers. */
export interface ImageAnswer {
  readonly config: Readonly<Record<string, unknown>>
  readonly layers: readonly (readonly string[])[]
}

interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly platform?: { readonly architecture: string; readonly os: string }
}

interface Manifest {
  readonly manifests?: readonly Descriptor[]
  readonly config?: Descriptor
  readonly layers?: readonly Descriptor[]
}

type Files = ReadonlyMap<string, Buffer>

/** The images of an OCI archive by platform. */
export async function imagesOf(path: string): Promise<Readonly<Record<string, ImageAnswer>>> {
  const files = (await unpack(await readFile(path))).files
  const found: Record<string, ImageAnswer> = {}
  const blob = (digest: string): Buffer => files.get(`blobs/sha256/${digest.slice(7)}`) ?? Buffer.alloc(0)
  const visit = async (manifest: Manifest): Promise<void> => {
    for (const one of manifest.manifests ?? [])
      await visit(JSON.parse(blob(one.digest).toString()) as Manifest)
    if (manifest.config === undefined) return
    const config = JSON.parse(blob(manifest.config.digest).toString()) as Record<string, unknown>
    const layers = (manifest.layers ?? []).map(({ digest }) => blob(digest))
    found[`${String(config['os'])}/${String(config['architecture'])}`] = await answer(config, layers)
  }
  await visit(JSON.parse((files.get('index.json') ?? Buffer.from('{}')).toString()) as Manifest)
  return found
}

/** The images of what `docker save` wrote, by the part of their name behind the slash. */
export async function savedImages(path: string): Promise<Readonly<Record<string, ImageAnswer>>> {
  const files = (await unpack(await readFile(path))).files
  const list = JSON.parse((files.get('manifest.json') ?? Buffer.from('[]')).toString()) as {
    Config: string
    RepoTags: string[]
    Layers: string[]
  }[]
  const found: Record<string, ImageAnswer> = {}
  for (const { Config, RepoTags, Layers } of list) {
    const name = /([^/]+):[^:]*$/.exec(RepoTags[0] ?? '')?.[1] ?? ''
    const config = JSON.parse((files.get(Config) ?? Buffer.from('{}')).toString()) as Record<string, unknown>
    found[name] = await answer(
      config,
      Layers.map(layer => files.get(layer) ?? Buffer.alloc(0)),
    )
  }
  return found
}

async function answer(config: Record<string, unknown>, layers: readonly Buffer[]): Promise<ImageAnswer> {
  const listed: string[][] = []
  for (const layer of layers) listed.push((await unpack(layer[0] === 0x1f ? gunzipSync(layer) : layer)).lines)
  const { created: _, rootfs, history, ...rest } = config
  const steps = (history as Record<string, unknown>[] | undefined)?.map(({ created: _, ...step }) => step)
  const { diff_ids } = rootfs as { diff_ids: string[] | null }
  return { config: { ...rest, history: steps, layers: diff_ids?.length }, layers: listed }
}

async function unpack(archive: Uint8Array): Promise<{ lines: string[]; files: Files }> {
  const lines: string[] = []
  const files = new Map<string, Buffer>()
  async function* bytes(): AsyncIterable<Uint8Array> {
    yield archive
  }
  for await (const { entry, content } of readTar(bytes())) {
    const data = Buffer.alloc(entry.size)
    for await (const chunk of content) data.set(chunk.bytes, chunk.offset)
    files.set(entry.name, data)
    const what =
      entry.type === 'file' ? createHash('sha256').update(data).digest('hex').slice(0, 8) : entry.type
    const link = entry.linkname === '' ? '' : ` -> ${entry.linkname}`
    const xattrs = [...entry.xattrs].map(([key, value]) => ` ${key}=${Buffer.from(value).toString('hex')}`)
    lines.push(
      `${entry.name} ${entry.mode.toString(8)} ${entry.uid}:${entry.gid} ${what}${link}${xattrs.join('')}`,
    )
  }
  return { lines, files }
}
