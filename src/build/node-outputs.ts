import { createReadStream } from 'node:fs'
import { dirname, join } from 'node:path'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { abortable } from '../async/abort.ts'
import { makeDirectories } from '../bytes/make-directories.ts'
import type { DriveResult } from '../buildkit/client/drive-build.ts'
import type { BuilderNode } from '../builder/builder.ts'
import { writeWholeFile } from '../bytes/whole-file.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { formatReference, parseReference } from '../oci/reference.ts'
import type { Platform } from '../oci/platform.ts'
import { unpackLayout } from './layout-output.ts'
import { mergeOciArchives } from './merge-oci.ts'
import { mergeTars } from './merge-tars.ts'
import type { OutputTarget, ResolvedOutput } from './outputs.ts'

/** What one node made. */
export interface NodeResult {
  readonly node: BuilderNode
  readonly platforms: readonly Platform[]
  /** Outputs of the whole build, as the user is to get them. */
  readonly wanted: readonly ResolvedOutput[]
  /** Outputs as that node was asked for them; their numbers are those of the whole build. */
  readonly outputs: readonly ResolvedOutput[]
  readonly result: DriveResult & { readonly ref: string }
}

/**
 * Outputs as one of several nodes is asked for them: images are pushed by digest, archives come as OCI layouts (or tars)
 * into files below `folder`, directories go to their place at once, every platform into a folder of its own.
 */
export function nodeOutputs(
  outputs: readonly ResolvedOutput[],
  folder: string,
  several: boolean,
): readonly ResolvedOutput[] {
  return outputs.map((given, id) => {
    // Each node may have a single platform: the folders of the platforms are there all the same.
    const splits = several && (given.type === 'local' || given.type === 'tar')
    const output = splits ? { ...given, attrs: { 'platform-split': 'true', ...given.attrs } } : given
    const { type, attrs, target } = output
    if (type === 'image' && attrs['push'] === 'true' && several) {
      const { unpack: _, ...kept } = attrs
      return { type, attrs: { ...kept, name: repositories(attrs['name'] ?? ''), 'push-by-digest': 'true' } }
    }
    if (target === undefined || target.kind === 'directory') {
      if (attrs['mode'] === 'delete' && several) {
        throw new SlipwayError(
          'failed-precondition',
          'mode=delete for multi-node builds currently not supported',
          {
            hint: 'remove the directory first, and leave mode=delete out',
          },
        )
      }
      return output
    }
    if (target.kind === 'layout' && !several) return output
    const path = join(folder, `${id}.tar`)
    const asked = type === 'docker' && several ? 'oci' : type
    const { tar: _, ...asArchive } = attrs
    return {
      type: asked,
      attrs: target.kind === 'layout' ? asArchive : attrs,
      target: { kind: 'file', path },
    }
  })
}

function repositories(names: string): string {
  const found = names
    .split(',')
    .filter(name => name !== '')
    .map(name => {
      const { domain, path } = parseReference(name)
      return formatReference({ domain, path })
    })
  if (found.length === 0) throw new SlipwayError('invalid-argument', 'tag is needed when pushing to registry')
  return [...new Set(found)].join(',')
}

/** What delivery needs besides the results. */
export interface DeliveryOptions {
  readonly request: { readonly platforms: readonly Platform[] }
  readonly hostPlatform: Platform
  readonly stdout: Writable
  readonly signal: AbortSignal
}

/** Brings the archives of the nodes to where the user wants them, as one each. */
export async function deliverOutputs(
  outputs: readonly ResolvedOutput[],
  results: readonly NodeResult[],
  options: DeliveryOptions,
): Promise<void> {
  for (const [id, output] of outputs.entries()) {
    if (output.target === undefined || output.target.kind === 'directory') continue
    const archives = results.flatMap(({ outputs: own, platforms }) => {
      const target = own[id]?.target
      return target?.kind === 'file' ? [{ path: target.path, platforms }] : []
    })
    const [first] = archives
    if (first === undefined) continue
    const whole =
      archives.length === 1 && options.request.platforms.length < 2
        ? createReadStream(first.path)
        : output.type === 'tar'
          ? mergeTars(archives.map(({ path }) => createReadStream(path)))
          : mergeOciArchives(archives, {
              platforms: options.request.platforms,
              ...(output.type === 'docker' && output.target.kind !== 'layout'
                ? { docker: options.hostPlatform }
                : {}),
            })
    await deliver(output.target, whole, options)
  }
}

async function deliver(
  target: Exclude<OutputTarget, { readonly kind: 'directory' }>,
  archive: AsyncIterable<Uint8Array>,
  { stdout, signal }: DeliveryOptions,
): Promise<void> {
  const source = Readable.from(archive, { objectMode: false })
  switch (target.kind) {
    case 'stream':
      await target.receive(source, signal)
      return
    case 'stdout':
      await abortable(pipeline(source, stdout, { end: false, signal }), signal)
      return
    case 'layout':
      await unpackLayout(target.path, source, signal)
      return
    case 'file':
      await makeDirectories(dirname(target.path))
      await writeWholeFile(target.path, source, { mode: 0o644, signal })
      return
    default:
      target satisfies never
  }
}
