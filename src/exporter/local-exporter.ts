import { posix } from 'node:path'
import { SlipwayError } from '../errors/slipway-error.ts'
import { quote } from '../gostd/quote.ts'
import type { Entry, FileTree } from '../snapshot/tree.ts'
import type { Ref } from '../snapshot/ref.ts'
import { attestationFiles } from './attestation-files.ts'
import { type Attributes, chooseEpoch, type EpochOption, readStrictBool, readEpoch } from './attributes.ts'
import type { ClientSink, SinkTree } from './client-sink.ts'
import type { ExportContext } from './export-context.ts'
import type { ExporterInstance } from './exporter.ts'
import type { ExportSource } from './export-source.ts'
import { treeArchive } from './tree-archive.ts'

/** What exporters of files work with. */
export interface TreeServices {
  readonly view: (ref: Ref, signal: AbortSignal) => Promise<FileTree>
  readonly sink: (sessionId: string) => Promise<ClientSink>
  /** Milliseconds since 1970. */
  readonly now: () => number
}

interface TreeOptions {
  /** One directory for each platform; undefined: where there are several. */
  readonly split: boolean | undefined
  readonly epoch: EpochOption | undefined
  readonly attestationPrefix: string
  /** What the destination has besides is removed: then all platforms are one tree. */
  readonly mirrors: boolean
}

function readTreeOptions(attrs: Attributes): TreeOptions {
  const mode = attrs['mode'] ?? ''
  if (!['', 'copy', 'delete'].includes(mode.trim().toLowerCase()))
    throw new SlipwayError('invalid-argument', `invalid local exporter mode ${quote(mode)}`)
  return {
    split:
      attrs['platform-split'] === undefined
        ? undefined
        : readStrictBool(
            attrs,
            'platform-split',
            true,
            `non-bool value for platform-split: ${attrs['platform-split']}`,
          ),
    epoch: readEpoch(attrs),
    attestationPrefix: attrs['attestation-prefix'] ?? '',
    mirrors: mode.trim().toLowerCase() === 'delete',
  }
}

/** `type=local`: the files of the result in a directory of the client. */
export function createLocalExporter(id: number, attrs: Attributes, services: TreeServices): ExporterInstance {
  const options = readTreeOptions(attrs)
  return {
    id,
    name: 'exporting to client directory',
    async export(source, ctx) {
      await using trees = await openTrees(source, options, services, ctx)
      const sink = await services.sink(ctx.sessionId)
      const sent = new Map<string, number>()
      const show = (label: string, current: number, completed: boolean): void =>
        ctx.progress.status(`copying files${label === '' ? '' : ` ${label}`}`, { current, completed })
      const report = (label: string, bytes: number): void => {
        sent.set(label, bytes)
        show(label, bytes, false)
      }
      await sink.sendTrees(id, trees.list, report, ctx.signal)
      for (const [label, bytes] of sent) show(label, bytes, true)
      return {}
    },
  }
}

/** `type=tar`: the files of the result as an uncompressed archive. */
export function createTarExporter(id: number, attrs: Attributes, services: TreeServices): ExporterInstance {
  const options = readTreeOptions(attrs)
  return {
    id,
    name: 'exporting to client tarball',
    async export(source, ctx) {
      // Archives have a directory for each platform where there are several, whatever the option says.
      await using trees = await openTrees(source, { ...options, joined: false }, services, ctx)
      const sink = await services.sink(ctx.sessionId)
      await ctx.progress.step('sending tarball', () =>
        sink.sendStream(id, {}, treeArchive(trees.list, ctx.signal), ctx.signal),
      )
      return {}
    },
  }
}

interface OpenTrees extends AsyncDisposable {
  readonly list: readonly SinkTree[]
}

async function openTrees(
  source: ExportSource,
  options: TreeOptions & { readonly joined?: false },
  services: TreeServices,
  ctx: ExportContext,
): Promise<OpenTrees> {
  const opened = new AsyncDisposableStack()
  try {
    const asked = options.split ?? source.multiPlatform
    const split = options.joined === false ? source.multiPlatform : asked
    const list: SinkTree[] = []
    for (const result of source.results) {
      const epoch = chooseEpoch(options.epoch, result.epoch)
      const view = opened.use(await services.view(result.ref ?? { kind: 'stack', layers: [] }, ctx.signal))
      const dated = epoch === undefined ? view : withTime(view, BigInt(epoch) * 1_000_000_000n)
      const id = result.id.replaceAll('/', '_')
      const tree = split ? withLinksBelow(dated, `/${id}`) : dated
      list.push({
        tree,
        prefix: split ? id : '',
        extra: await attestationFiles(
          result.attestations,
          tree,
          { prefix: options.attestationPrefix, suffix: source.multiPlatform && !asked ? `.${id}` : '' },
          ctx.signal,
        ),
        mtimeMs: epoch === undefined ? services.now() : epoch * 1000,
        prefixMtimeMs: (epoch ?? 0) * 1000,
        label: split && !options.mirrors ? result.id : '',
      })
    }
    if (!split && list.length > 1) refuseCollisions(list, source)
    return { list, [Symbol.asyncDispose]: () => opened.disposeAsync() }
  } catch (e) {
    await opened.disposeAsync()
    throw e
  }
}

/** A tree in which everything has one time (nanoseconds since 1970). The caller disposes the tree behind it. */
function withTime(tree: FileTree, mtimeNs: bigint): FileTree {
  return changed(tree, entry => ({ ...entry, mtimeNs }))
}

/** A tree that is put below a directory: absolute links lead there. Source: fsutil's fs.go, `SubDirFS`. */
function withLinksBelow(tree: FileTree, directory: string): FileTree {
  return changed(tree, entry => {
    const { kind, linkname = '' } = entry
    if (kind !== 'symlink' || !linkname.startsWith('/')) return entry
    return { ...entry, linkname: posix.join(directory, linkname) }
  })
}

function changed(tree: FileTree, change: (entry: Entry) => Entry): FileTree {
  return {
    lstat: path => {
      const entry = tree.lstat(path)
      return entry === undefined ? undefined : change(entry)
    },
    resolve: (path, resolving) => tree.resolve(path, resolving),
    readdir: path => tree.readdir(path),
    open: path => tree.open(path),
    xattrs: path => tree.xattrs(path),
    realPath: path => tree.realPath(path),
    [Symbol.dispose]() {},
  }
}

/** Platforms laid over each other must not write one file twice. */
function refuseCollisions(list: readonly SinkTree[], source: ExportSource): void {
  const owners = new Map<string, string>()
  const visit = (tree: FileTree, id: string, path: string): void => {
    for (const name of tree.readdir(path)) {
      const child = path === '/' ? `/${name}` : `${path}/${name}`
      if (tree.lstat(child)?.kind === 'directory') {
        visit(tree, id, child)
        continue
      }
      const owner = owners.get(child)
      if (owner !== undefined) {
        throw new SlipwayError(
          'invalid-argument',
          `cannot overwrite ${child.slice(1)} from ${owner} with ${id} when split option is disabled`,
        )
      }
      owners.set(child, id)
    }
  }
  for (const [i, one] of list.entries()) visit(one.tree, source.results[i]?.id ?? '', '/')
}
