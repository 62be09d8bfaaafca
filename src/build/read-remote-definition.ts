import { gitState } from '../dockerfile/git/git-state.ts'
import { create } from '@bufbuild/protobuf'
import { randomUUID } from 'node:crypto'
import { type BakeFile, defaultFileNames, maxFileSize } from '../bake/file-plan.ts'
import { openSession } from '../buildkit/client/open-session.ts'
import { readTrees, type RemoteTree } from '../buildkit/client/read-tree.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { file } from '../llb/file.ts'
import { http } from '../llb/http-source.ts'
import { marshal } from '../llb/marshal.ts'
import { scratch, type State } from '../llb/state.ts'
import type { Platform } from '../oci/descriptor.ts'
import { SolveRequestSchema } from '../proto/gen/control_pb.ts'
import type { Definition } from '../proto/gen/ops_pb.ts'
import type { Attachable } from '../session/attachable.ts'
import type { BuildkitConnection } from '../session/connection.ts'
import type { StatusWriter } from '../status/solve-status.ts'
import { isArchive } from './is-archive.ts'
import { newBuildRef } from './run-build.ts'

/** The files of a remote definition. */
export interface RemoteDefinition {
  readonly files: readonly BakeFile[]
  /** The source is a folder of files (git, an archive), in which relative contexts lie. */
  readonly hasFiles: boolean
  /** A folder of the source as a graph, for sources whose URLs cannot name folders (archives). */
  readonly folder?: (path: string, name: string) => Definition
}

/** What a remote definition is read with. */
export interface RemoteDefinitionOptions {
  /** Names inside the source; none stand for the default ones. */
  readonly names: readonly string[]
  /** Credentials for the source. */
  readonly attachables: readonly Attachable[]
  readonly platform: Platform
  readonly onStatus: StatusWriter
  readonly signal: AbortSignal
}

/** The largest definition that a URL may name directly, in bytes. */
const maxDefinitionSize = 2 * 1024 * 1024
const downloadName = 'context'
/** Enough to recognise an archive, in bytes. */
const headerLength = 1024

/**
 * Reads the definition files of a git repository, an archive or a single file of a web server: the node fetches the
 * source, as it will for builds, and hands out the files. Throws what the node says, and `invalid-argument`.
 * @see https://github.com/docker/buildx/blob/v0.36.1/bake/remote.go
 */
export async function readRemoteDefinition(
  node: BuildkitConnection,
  url: string,
  options: RemoteDefinitionOptions,
): Promise<RemoteDefinition> {
  const { onStatus, signal } = options
  const id = randomUUID().replaceAll('-', '')
  await using session = openSession(node, options.attachables, { id, name: 'buildx', sharedKey: '' })
  const request = create(SolveRequestSchema, { Ref: newBuildRef(), Session: session.id, Internal: true })
  const write = (state: State): Definition =>
    marshal(state.output, { platform: options.platform, localUniqueId: id })
  return await readTrees(node, { request, onStatus, signal }, async solve => {
    const repository = gitState(url)
    if (repository !== undefined) {
      const files = await filesOf(await solve(write(repository)), options)
      return { files, hasFiles: true }
    }
    const source = http(url, { filename: downloadName, name: '[internal] load remote build context' })
    const download = await solve(write(source))
    const head = await download.read(downloadName, headerLength)
    if (!isArchive(head)) return { files: [await singleFile(download, url)], hasFiles: false }
    const unpacked = unpack(source)
    const files = await filesOf(await solve(write(unpacked)), options)
    return { files, hasFiles: true, folder: (path, name) => write(folderOf(unpacked, path, name)) }
  })
}

function unpack(source: State): State {
  const action = {
    kind: 'copy' as const,
    from: source.output,
    source: `/${downloadName}`,
    destination: '/',
    unpack: true,
  }
  return file(scratch, [action])
}

function folderOf(tree: State, path: string, name: string): State {
  const action = {
    kind: 'copy' as const,
    from: tree.output,
    source: path.startsWith('/') ? path : `/${path}`,
    destination: '/',
    contentsOnly: true,
  }
  return file(scratch, [action], { name })
}

async function singleFile(download: RemoteTree, url: string): Promise<BakeFile> {
  const size = await download.size(downloadName)
  if (size > maxDefinitionSize) {
    throw new SlipwayError(
      'invalid-argument',
      'non-archive definition URL bigger than maximum allowed size (2.097MB)',
    )
  }
  return { name: url, data: await download.read(downloadName) }
}

/** The named files, or those of the default names that can be read. */
async function filesOf(
  tree: RemoteTree,
  { names, signal }: Pick<RemoteDefinitionOptions, 'names' | 'signal'>,
): Promise<BakeFile[]> {
  const files: BakeFile[] = []
  for (const name of names.length > 0 ? names : defaultFileNames) {
    const size = await tree.size(name).catch((e: unknown) => {
      signal.throwIfAborted()
      if (names.length > 0) throw e
      return undefined
    })
    if (size === undefined) continue
    if (size > maxFileSize) {
      throw new SlipwayError(
        'invalid-argument',
        `${name}: definition files may have at most ${maxFileSize} bytes`,
      )
    }
    files.push({ name, data: await tree.read(name) })
  }
  return files
}
