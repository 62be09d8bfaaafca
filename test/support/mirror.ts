import { createHash } from 'node:crypto'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeStandIns, standInDir } from '../../scripts/setup/make-stand-in.ts'
import { type StandInName, standIns } from '../../scripts/setup/stand-ins.ts'
import { type Registry, startRegistry } from './registry.ts'

interface Blob {
  readonly digest: string
  readonly mediaType: string
}

/**
 * Starts a read-only registry that holds stand-in images under the names that docker.io has for them, so that it may serve
 * as a mirror of docker.io. The images come from the cache of this machine; what is missing is made.
 */
export async function startMirror(dir: string, names: readonly StandInName[]): Promise<Registry> {
  await makeStandIns(names, () => {})
  const storage = join(dir, 'mirror-data')
  for (const name of names) {
    const { repository, tags } = standIns[name]
    await seedRegistry(storage, standInDir(name), repository, tags)
  }
  return await startRegistry({ dir: join(dir, 'mirror'), storage, readOnly: true })
}

/**
 * Fills the storage folder of a registry (distribution's file-system driver) from an OCI layout: only links to its blobs,
 * so that a mirror of a gigabyte is there in a moment. The layout must stay while the registry runs.
 */
export async function seedRegistry(
  storage: string,
  layout: string,
  repository: string,
  tags: readonly string[],
): Promise<void> {
  const top = join(storage, 'docker', 'registry', 'v2')
  const repo = join(top, 'repositories', repository)
  const index = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8')) as { manifests: Blob[] }
  const image = index.manifests[0]
  if (image === undefined) throw new Error(`no image in ${layout}`)
  for (const blob of await reach(layout, image)) {
    const hex = blob.digest.slice('sha256:'.length)
    const dir = join(top, 'blobs', 'sha256', hex.slice(0, 2), hex)
    await mkdir(dir, { recursive: true })
    await symlink(join(layout, 'blobs', 'sha256', hex), join(dir, 'data')).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error
      },
    )
    const kind = isManifest(blob) ? '_manifests/revisions' : '_layers'
    await writeLink(join(repo, kind, 'sha256', hex), blob.digest)
  }
  for (const tag of tags) {
    const hex = image.digest.slice('sha256:'.length)
    await writeLink(join(repo, '_manifests', 'tags', tag, 'current'), image.digest)
    await writeLink(join(repo, '_manifests', 'tags', tag, 'index', 'sha256', hex), image.digest)
  }
}

function isManifest(blob: Blob): boolean {
  return /\.(manifest|index|manifest\.list)\.v\d\+json$/.test(blob.mediaType)
}

async function reach(layout: string, blob: Blob): Promise<Blob[]> {
  if (!isManifest(blob)) return [blob]
  const bytes = await readFile(join(layout, 'blobs', 'sha256', blob.digest.slice('sha256:'.length)))
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  if (digest !== blob.digest) throw new Error(`${layout}: the content of ${blob.digest} is ${digest}`)
  const body = JSON.parse(bytes.toString()) as { manifests?: Blob[]; layers?: Blob[]; config?: Blob }
  const children = [
    ...(body.manifests ?? []),
    ...(body.config === undefined ? [] : [body.config]),
    ...(body.layers ?? []),
  ]
  const below: Blob[][] = []
  for (const child of children) below.push(await reach(layout, child))
  return [blob, ...below.flat()]
}

async function writeLink(dir: string, digest: string): Promise<void> {
  await mkdir(dir, { recursive: true })
  await writeFile(join(dir, 'link'), digest)
}
