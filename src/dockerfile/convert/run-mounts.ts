import { posix } from 'node:path'
import { quote } from '../../gostd/quote.ts'
import { cleanPath } from '../../gostd/pattern-matcher.ts'
import { file } from '../../llb/file.ts'
import { joinPath } from '../../llb/join-path.ts'
import { type State, scratch } from '../../llb/state.ts'
import type { ExecMount, ExecSecret, ExecSsh } from '../../llb/vertex.ts'
import { invalid } from '../instructions/argument-error.ts'
import { type Mount, parseMount } from '../instructions/mount.ts'
import type { RunInstruction } from '../instructions/run.ts'
import type { DispatchContext } from './context.ts'
import type { StageBuild } from './stage-build.ts'

/** The mounts of a step, by kind. */
export interface RunMounts {
  /** All of them as written. */
  readonly parsed: readonly Mount[]
  readonly trees: readonly ExecMount[]
  readonly secrets: readonly ExecSecret[]
  readonly ssh: readonly ExecSsh[]
}

/** Reads the mounts of RUN; what they use of stages and context is noted. Throws `invalid-argument`. */
export function runMounts(
  build: StageBuild,
  instruction: RunInstruction,
  sources: readonly StageBuild[],
  context: DispatchContext,
  expand: (text: string) => string,
): RunMounts {
  const parsed = instruction.mounts.map(({ text }) => parseMount(text, expand))
  const trees: ExecMount[] = []
  const secrets: ExecSecret[] = []
  const ssh: ExecSsh[] = []
  for (const [i, mount] of parsed.entries()) {
    const source = sources[i] as StageBuild
    const tree = treeOf(mount, source, context)
    if (mount.type === 'secret') secrets.push(secretOf(build, mount, instruction))
    else if (mount.type === 'ssh') ssh.push(sshOf(build, mount, instruction))
    else trees.push(mountOf(build, mount, source, tree, context))
  }
  return { parsed, trees, secrets, ssh }
}

/** A cache starts empty, a mount without `from` shows the build context. */
function treeOf(mount: Mount, source: StageBuild, context: DispatchContext): State {
  if (mount.from === '' && mount.type !== 'cache') return context.buildContext
  if (source.dispatched) return source.state
  const where = `cannot mount from stage ${quote(mount.from || 'scratch')} to ${quote(mount.target)}`
  throw invalid(`${where}, stage needs to be defined before current command`)
}

function mountOf(
  build: StageBuild,
  mount: Mount,
  source: StageBuild,
  tree: State,
  context: DispatchContext,
): ExecMount {
  const path = joinPath('/', mount.source)
  const hasOwner = mount.uid !== undefined || mount.gid !== undefined || mount.mode !== undefined
  const content = mount.type === 'tmpfs' ? scratch : tree
  const owned = path === '/' && hasOwner ? ownedCache(mount, content) : content
  const used = mount.from === '' && mount.type !== 'cache' ? build.contextPaths : source.paths
  const target = absoluteTarget(build, mount)
  used.add(path)
  return {
    target,
    source: owned.output,
    selector: path !== '/' ? path : hasOwner ? '/cache' : undefined,
    readonly: mount.readonly,
    noOutput: !mount.readonly && mount.type === 'bind',
    ...(mount.type === 'tmpfs' ? { tmpfs: { size: mount.size } } : {}),
    ...(mount.type === 'cache' ? { cache: cacheOf(mount, context) } : {}),
  }
}

function cacheOf(mount: Mount, context: DispatchContext): NonNullable<ExecMount['cache']> {
  const id = mount.id === '' ? cleanPath(mount.target) : mount.id
  return { id: `${context.options.cacheNamespace}/${id}`, sharing: mount.sharing ?? 'shared' }
}

function absoluteTarget(build: StageBuild, mount: Mount): string {
  const { target } = mount
  const path = cleanPath(target).startsWith('/') ? target : joinPath('/', build.state.dir, target)
  if (path === '/') throw invalid(`invalid mount target ${quote(path)}`)
  return path
}

/** A cache directory that starts with the owner and mode that the mount asks for. */
function ownedCache(mount: Mount, tree: State): State {
  const { uid = 0, gid = 0, mode = 0o755 } = mount
  const owner = { user: { id: uid }, group: { id: gid } }
  const mkdir = { kind: 'mkdir' as const, path: '/cache', mode, parents: false, owner }
  return file(tree, [mkdir], { name: '[internal] setting cache mount permissions' })
}

function secretOf(build: StageBuild, mount: Mount, instruction: RunInstruction): ExecSecret {
  const { source, target, env, required } = mount
  const id = source || mount.id || posix.basename(target)
  if (id === '') throw invalid('one of source, target required')
  const file = target || (env === undefined ? `/run/secrets/${posix.basename(id)}` : undefined)
  const { secrets } = build.outline
  if (!secrets.has(id)) secrets.set(id, { required, ranges: instruction.ranges })
  return { id, target: file, env, optional: !required, ...ownerOf(mount, 0o400) }
}

function sshOf(build: StageBuild, mount: Mount, instruction: RunInstruction): ExecSsh {
  const { target, required } = mount
  if (mount.source !== '') throw invalid('ssh does not support source')
  const { ssh } = build.outline
  const id = mount.id || 'default'
  if (!ssh.has(id)) ssh.set(id, { required, ranges: instruction.ranges })
  return { id: mount.id, target, optional: !required, ...ownerOf(mount, 0o600) }
}

function ownerOf({ uid = 0, gid = 0, mode }: Mount, defaultMode: number) {
  return { uid, gid, mode: mode ?? defaultMode }
}
