import { posix } from 'node:path'
import { SlipwayError } from '../errors/slipway-error.ts'
import type { ContainerMount, TreeSource } from '../executor/executor.ts'
import { CacheSharingOpt, type ExecOp, type Mount, MountType } from '../proto/gen/ops_pb.ts'
import { type Ref, scratch, type StackRef } from '../snapshot/ref.ts'
import { quote } from '../gostd/quote.ts'
import type { ActiveLayer } from '../snapshot/snapshotter.ts'
import type { FileTree } from '../snapshot/tree.ts'
import type { OpContext } from '../solver/op.ts'
import type { Result } from '../solver/result.ts'
import type { CacheMountLease, CacheMounts, CacheSharing } from './cache-mounts.ts'
import { resultOf } from './ref-result.ts'
import type { SecretSource } from './secret-source.ts'
import { unpackedRef } from './stack-trees.ts'
import type { Trees } from './trees.ts'

/** Mounts of one container, ready to run; disposing gives everything back. */
export interface PreparedMounts extends AsyncDisposable {
  readonly root: TreeSource
  readonly readonlyRoot: boolean
  /** The root for reading, before the process runs. */
  readonly rootTree: FileTree
  readonly mounts: readonly ContainerMount[]
  /** Bytes of /dev/shm where the step says so. */
  readonly shmSize: number | undefined
  /** What is mounted, by the mount's place in the message: changes of the running container show. */
  treeAt(index: number): FileTree | undefined
  /** Makes the outputs, in their order. */
  commit(): Promise<readonly Result[]>
  /** After a failure: the trees as they are, by the mount's place in the message; `kept` is told the layers made. */
  salvage(kept: (layer: string) => void): Promise<readonly (Ref | undefined)[]>
}

interface Services {
  readonly trees: Trees
  readonly cacheMounts: CacheMounts
  readonly secrets: SecretSource
}

/** An output of the op: what a mount's changes become. */
type Output =
  | { readonly kind: 'layer'; readonly active: ActiveLayer; readonly base: StackRef }
  | { readonly kind: 'same'; readonly ref: Ref }

const sharingNames: Readonly<Record<number, CacheSharing>> = {
  [CacheSharingOpt.SHARED]: 'shared',
  [CacheSharingOpt.PRIVATE]: 'private',
  [CacheSharingOpt.LOCKED]: 'locked',
}

/** Gets every mount of a step ready. Throws `invalid-argument`, `not-found` (a required secret). */
export async function prepareMounts(
  message: ExecOp,
  inputs: readonly Ref[],
  services: Services,
  ctx: OpContext,
): Promise<PreparedMounts> {
  const preparing = new MountPreparation(message, inputs, services, ctx)
  try {
    return await preparing.prepare()
  } catch (e) {
    await preparing[Symbol.asyncDispose]()
    throw e
  }
}

class MountPreparation implements PreparedMounts {
  root: TreeSource = { kind: 'overlay', lowers: [] }
  readonlyRoot = false
  readonly mounts: ContainerMount[] = []
  shmSize: number | undefined
  #rootTree: FileTree | undefined
  readonly #message: ExecOp
  readonly #inputs: readonly Ref[]
  readonly #services: Services
  readonly #ctx: OpContext
  readonly #resources = new AsyncDisposableStack()
  readonly #outputs = new Map<number, Output>()
  readonly #trees = new Map<Mount, FileTree>()
  readonly #bound = new Map<Mount, Output>()
  /** Caches of this step: the same one may be mounted at several places. */
  readonly #caches = new Map<string, CacheMountLease>()

  constructor(message: ExecOp, inputs: readonly Ref[], services: Services, ctx: OpContext) {
    this.#message = message
    this.#inputs = inputs
    this.#services = services
    this.#ctx = ctx
  }

  get rootTree(): FileTree {
    if (this.#rootTree === undefined) throw new SlipwayError('invalid-argument', 'mounts: no root mount')
    return this.#rootTree
  }

  async prepare(): Promise<this> {
    const sorted = [...this.#message.mounts].sort((a, b) => depth(a.dest) - depth(b.dest))
    for (const mount of sorted) await this.#prepareMount(mount)
    if (this.#rootTree === undefined) throw new SlipwayError('invalid-argument', 'mounts: no root mount')
    return this
  }

  treeAt(index: number): FileTree | undefined {
    const mount = this.#message.mounts[index]
    return mount === undefined ? undefined : this.#trees.get(mount)
  }

  async commit(): Promise<readonly Result[]> {
    const results: [number, Result][] = []
    for (const [index, output] of this.#outputs) {
      if (output.kind === 'same') results.push([index, resultOf(output.ref)])
      else {
        const layer = await output.active.commit()
        results.push([
          index,
          resultOf({ kind: 'stack', layers: [...output.base.layers, { kind: 'layer', id: layer.id }] }),
        ])
      }
    }
    return results.sort(([a], [b]) => a - b).map(([, result]) => result)
  }

  async salvage(kept: (layer: string) => void): Promise<readonly (Ref | undefined)[]> {
    const found: (Ref | undefined)[] = []
    for (const mount of this.#message.mounts) {
      const bound = this.#bound.get(mount)
      if (bound?.kind !== 'layer') {
        found.push(bound?.ref)
        continue
      }
      const { id } = await bound.active.commit()
      kept(id)
      found.push({ kind: 'stack', layers: [...bound.base.layers, { kind: 'layer', id }] })
    }
    return found
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync()
  }

  async #prepareMount(mount: Mount): Promise<void> {
    const target = posix.join(
      '/',
      this.#message.meta?.cwd ?? '/',
      mount.dest.startsWith('/') ? '' : mount.dest,
    )
    const dest = mount.dest.startsWith('/') ? posix.join('/', mount.dest) : target
    switch (mount.mountType) {
      case MountType.BIND:
        return this.#bind(mount, dest)
      case MountType.CACHE:
        return this.#cache(mount, dest)
      case MountType.TMPFS: {
        const size = Number(mount.TmpfsOpt?.size ?? 0n)
        if (dest === '/dev/shm' && size > 0) this.shmSize = size
        else this.mounts.push({ kind: 'tmpfs', target: dest, ...(size > 0 ? { size } : {}) })
        return
      }
      case MountType.SECRET:
        return this.#secret(mount, dest)
      case MountType.SSH:
        return this.#ssh(mount, dest)
      default:
        throw new SlipwayError('invalid-argument', `unknown type ${mount.mountType} of mount ${dest}`)
    }
  }

  #input(mount: Mount): Ref {
    if (mount.input === -1n) return scratch
    const ref = this.#inputs[Number(mount.input)]
    if (ref === undefined) throw new SlipwayError('invalid-argument', `invalid mount input ${mount.input}`)
    return ref
  }

  async #bind(mount: Mount, dest: string): Promise<void> {
    const { trees } = this.#services
    const signal = this.#ctx.signal
    const ref = this.#input(mount)
    const ids = await trees.stack(ref, signal)
    const stack = unpackedRef(ref, ids)
    const lowers = trees.directories(ids)
    let source: TreeSource = { kind: 'overlay', lowers }
    const output = Number(mount.output)
    let writable: ActiveLayer | undefined
    if (mount.readonly) {
      this.#bound.set(mount, { kind: 'same', ref })
      if (output >= 0) this.#outputs.set(output, { kind: 'same', ref })
    } else {
      const description = `mount ${dest} from exec ${this.#arguments()}`
      const active = this.#resources.use(await trees.prepare(stack, { description, signal }))
      writable = active
      this.#bound.set(mount, { kind: 'layer', active, base: stack })
      source = { kind: 'overlay', lowers, upper: active.upper, work: active.work }
      if (output >= 0) this.#outputs.set(output, { kind: 'layer', active, base: stack })
    }
    const tree = this.#resources.use(await trees.view(stack, signal))
    this.#trees.set(mount, writable === undefined ? tree : this.#resources.use(trees.writable(writable)))
    if (dest === '/') {
      this.root = source
      this.readonlyRoot = mount.readonly
      this.#rootTree = tree
      return
    }
    const subpath = subpathOf(tree, mount)
    this.mounts.push({
      kind: 'bind',
      source,
      target: dest,
      readonly: mount.readonly,
      ...(subpath === '/' ? {} : { subpath }),
    })
  }

  #arguments(): string {
    return (this.#message.meta?.args ?? []).join(' ')
  }

  async #cache(mount: Mount, dest: string): Promise<void> {
    const { trees, cacheMounts } = this.#services
    const ref = this.#input(mount)
    const ids = mount.input === -1n ? [] : await trees.stack(ref, this.#ctx.signal)
    const id = mount.cacheOpt?.ID || dest
    const key = JSON.stringify([id, ids])
    const lease =
      this.#caches.get(key) ??
      this.#resources.use(
        await cacheMounts.acquire({
          id,
          sharing: sharingNames[mount.cacheOpt?.sharing ?? CacheSharingOpt.SHARED] ?? 'shared',
          base: ids,
          description: `cached mount ${dest} from exec ${this.#arguments()}${id === dest ? '' : ` with id ${quote(id)}`}`,
          signal: this.#ctx.signal,
        }),
      )
    this.#caches.set(key, lease)
    const source: TreeSource = { kind: 'directory', path: lease.path }
    const filter = { includePatterns: [], excludePatterns: [], followPaths: [] }
    const tree = await trees.view({ kind: 'local', path: lease.path, filter }, this.#ctx.signal)
    this.#trees.set(mount, this.#resources.use(tree))
    const subpath = posix.join('/', mount.selector)
    this.mounts.push({
      kind: 'bind',
      source,
      target: dest,
      readonly: mount.readonly,
      ...(subpath === '/' ? {} : { subpath }),
    })
  }

  async #secret(mount: Mount, dest: string): Promise<void> {
    const opt = mount.secretOpt
    if (opt === undefined) throw new SlipwayError('invalid-argument', 'invalid secret mount options')
    const data = await this.#services.secrets.get(opt.ID, this.#ctx)
    if (data === undefined) {
      if (opt.optional) return
      throw new SlipwayError('not-found', `secret ${opt.ID}: not found`, {
        hint: `give it with --secret id=${opt.ID},src=FILE or --secret id=${opt.ID},env=NAME`,
      })
    }
    this.mounts.push({
      kind: 'secret',
      data,
      target: dest,
      uid: opt.uid,
      gid: opt.gid,
      mode: opt.mode & 0o777,
    })
  }

  async #ssh(mount: Mount, dest: string): Promise<void> {
    const opt = mount.SSHOpt
    if (opt === undefined) throw new SlipwayError('invalid-argument', 'invalid ssh mount options')
    const owner = { uid: opt.uid, gid: opt.gid, mode: opt.mode & 0o777 }
    const agent = await this.#services.secrets.sshAgent(opt.ID, owner, this.#ctx).catch((e: unknown) => {
      if (opt.optional && !this.#ctx.signal.aborted) return undefined
      throw e
    })
    if (agent === undefined) {
      if (opt.optional) return
      throw new SlipwayError('not-found', `no SSH key "${opt.ID}" forwarded from the client`, {
        hint: `forward an agent with --ssh ${opt.ID}`,
      })
    }
    this.#resources.use(agent)
    this.mounts.push({ kind: 'file', path: agent.path, target: dest, readonly: false })
  }
}

const depth = (path: string): number => path.split('/').filter(part => part !== '').length

/** The selected part of a mount's tree, without links. */
function subpathOf(tree: FileTree, mount: Mount): string {
  const selector = posix.join('/', mount.selector)
  if (selector === '/') return selector
  const real = tree.resolve(selector)
  if (tree.lstat(real) === undefined) {
    throw new SlipwayError(
      'not-found',
      `failed to compute cache key: failed to calculate checksum of ref: "${selector}": not found`,
    )
  }
  return real
}
