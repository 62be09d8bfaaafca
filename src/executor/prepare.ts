import { chmodSync, chownSync, lstatSync, statSync, writeFileSync } from 'node:fs'
import { fsPath } from '../bytes/path-string.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { goJson, type JsonValue } from '../gostd/json.ts'
import { findMount, type MountPoint } from '../sys/mountinfo.ts'
import type { ContainerMount, ContainerSpec } from './executor.ts'
import type { MountPlan } from './mount-plan.ts'
import {
  type CreatedMountPoints,
  createMountPoints,
  createWorkingDirectory,
  isBelow,
  type MountTarget,
} from './root/mount-points.ts'
import { addAuthority, findTrustBundle, type TrustBundle } from './proxy/trust-bundle.ts'
import { stayingMountPoints } from './spec/default-mounts.ts'
import { resolveInRoot } from './root/resolve-in-root.ts'
import { bindLine } from './root/setup-script.ts'
import { addMounts } from './spec/generate-spec.ts'
import { hostsFile } from './spec/hosts-file.ts'
import type { RuntimeMount, RuntimeSpec } from './spec/runtime-spec.ts'

/** Names in the private directory. */
export const files = { config: 'config.json', hosts: 'hosts', resolvConf: 'resolv.conf' } as const

/** What the last step before the runtime works on: everything is mounted, nothing runs yet. */
export interface PrepareOptions {
  readonly container: ContainerSpec
  readonly plan: MountPlan
  /** The sandbox's root directory as we reach it. */
  readonly view: string
  /** The private directory as the sandbox sees it. */
  readonly directory: string
  /** Without the container's own mounts; they are added. */
  readonly spec: RuntimeSpec
  readonly resolvConf: string
  /** Mounts that the sandbox sees; given in a user namespace, where a bind mount must keep the flags of what it shows. */
  readonly sandboxMounts?: readonly MountPoint[] | undefined
  /** A certificate in PEM that programs of the container are to trust. */
  readonly authority?: string | undefined
}

/** What the sandbox does next, and what has to be undone after it. */
export interface Prepared {
  /** For `Sandbox.go`. */
  readonly go: string
  readonly mountPoints: CreatedMountPoints
  readonly trustBundle: TrustBundle | undefined
}

/**
 * Writes the bundle, makes mount points and the working directory. Sync on purpose: a few small files on a tmpfs, while
 * the sandbox waits. Throws `not-found` where a `subpath` leads nowhere.
 */
export function prepareContainer(options: PrepareOptions): Prepared {
  const { container, plan, view, directory, spec } = options
  const at = (name: string): string => `${view}${directory}/${name}`
  const root = view + plan.root.path
  const prepared = container.mounts.map((mount, index) => prepareMount(mount, index, options))
  addMounts(
    spec,
    prepared.map(({ runtime }) => runtime),
  )
  if (options.sandboxMounts !== undefined) keepLockedFlags(spec.mounts, options.sandboxMounts)
  writeFileSync(at(files.hosts), hostsFile(spec.hostname, container.extraHosts), { mode: 0o644 })
  writeFileSync(at(files.resolvConf), options.resolvConf, { mode: 0o644 })
  const known = new Map(prepared.map(one => [one.runtime, one]))
  const targets = spec.mounts.map((mount): MountTarget => {
    const { kind = kindOf(mount, directory), mode } = known.get(mount) ?? {}
    const stays = !known.has(mount) && stayingMountPoints.has(mount.destination)
    return { path: mount.destination, kind, stays, ...(mode === undefined ? {} : { mode }) }
  })
  makeWorkingDirectory(root, container, targets)
  const trustBundle = options.authority === undefined ? undefined : findTrustBundle(root, options.authority)
  const change =
    trustBundle === undefined
      ? undefined
      : { path: trustBundle.path, apply: () => addAuthority(root, trustBundle) }
  const mountPoints = createMountPoints(root, plan.rootUpper ?? root, targets, change)
  writeFileSync(at(files.config), goJson(spec as unknown as JsonValue))
  return { go: prepared.flatMap(({ line }) => line ?? []).join(' && ') || ':', mountPoints, trustBundle }
}

interface PreparedMount {
  readonly runtime: RuntimeMount
  readonly kind: MountTarget['kind']
  /** Permission bits of its mount point, where that has to be made. */
  readonly mode?: number
  /** A line for the sandbox's shell. */
  readonly line?: string
}

function prepareMount(mount: ContainerMount, index: number, options: PrepareOptions): PreparedMount {
  const destination = mount.target
  switch (mount.kind) {
    case 'tmpfs': {
      const size = mount.size ? [`size=${mount.size}`] : []
      const runtime = { destination, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', ...size] }
      // Runtimes give it the mode of the directory that it lies on.
      return { runtime, kind: 'directory', mode: 0o1777 }
    }
    case 'file':
      return { runtime: bind(mount.path, destination, mount.readonly), kind: kindOfPath(mount.path) }
    case 'secret':
      return { runtime: prepareSecret(mount, index, options), kind: 'file' }
    case 'bind': {
      const tree = options.plan.trees.get(index)?.path
      if (tree === undefined) throw new SlipwayError('internal', `mount ${destination} has no source`)
      const { path, kind } = resolveSubpath(options.view + tree, mount.subpath ?? '/')
      if (path === '/') return { runtime: bind(tree, destination, mount.readonly), kind }
      const source = `${options.directory}/part${index}`
      const line = bindLine(tree, path, kind, source)
      return { runtime: bind(source, destination, mount.readonly), kind, line }
    }
    default:
      return mount satisfies never
  }
}

function bind(source: string, destination: string, readonly: boolean): RuntimeMount {
  return { destination, type: 'bind', source, options: readonly ? ['rbind', 'ro'] : ['rbind'] }
}

/** The private directory is a tmpfs that ends with the sandbox: a secret never reaches a disk. */
function prepareSecret(
  mount: Extract<ContainerMount, { kind: 'secret' }>,
  index: number,
  options: PrepareOptions,
): RuntimeMount {
  const source = `${options.directory}/secret${index}`
  const path = options.view + source
  writeFileSync(path, mount.data, { mode: 0o600 })
  chownSync(path, mount.uid, mount.gid)
  chmodSync(path, mount.mode & 0o777)
  const noexec = (mount.mode & 0o111) === 0 ? ['noexec'] : []
  const flags = ['ro', 'rbind', 'nodev', 'nosuid', ...noexec]
  return { destination: mount.target, type: 'bind', source, options: flags }
}

function resolveSubpath(tree: string, subpath: string): { path: string; kind: MountTarget['kind'] } {
  const path = resolveInRoot(tree, subpath)
  const stats = lstatSync(fsPath(tree + path), { throwIfNoEntry: false })
  if (stats === undefined || path.includes('\n')) {
    throw new SlipwayError('not-found', `open ${subpath}: no such file or directory`)
  }
  return { path, kind: stats.isDirectory() ? 'directory' : 'file' }
}

/** What a mount that is not one of the container's own has to lie on. */
function kindOf(mount: RuntimeMount, directory: string): MountTarget['kind'] {
  if (mount.source?.startsWith(`${directory}/`)) return 'file'
  return mount.options?.some(option => option === 'rbind' || option === 'bind') && mount.source !== undefined
    ? kindOfPath(mount.source)
    : 'directory'
}

function kindOfPath(path: string): MountTarget['kind'] {
  return statSync(fsPath(path), { throwIfNoEntry: false })?.isDirectory() ? 'directory' : 'file'
}

/** Below a mount there is nothing to make in the root: the runtime makes it inside what is mounted. */
function makeWorkingDirectory(root: string, container: ContainerSpec, targets: readonly MountTarget[]): void {
  const { cwd, user } = container.process
  const place = resolveInRoot(root, cwd)
  const covered = targets.some(target => {
    const path = resolveInRoot(root, target.path)
    return place === path || isBelow(place, path)
  })
  if (!covered) createWorkingDirectory(root, cwd, path => chownSync(fsPath(path), user.uid, user.gid))
}

const lockable = ['nosuid', 'nodev', 'noexec', 'noatime', 'nodiratime', 'relatime', 'ro']

/**
 * In a user namespace the kernel refuses a bind mount that takes away flags of the mount it shows. Source: BuildKit
 * v0.32.2 util/rootless/mountopts.
 */
function keepLockedFlags(mounts: readonly RuntimeMount[], there: readonly MountPoint[]): void {
  for (const mount of mounts) {
    if (mount.source === undefined || !mount.options?.includes('rbind')) continue
    const flags = findMount(there, mount.source)?.options.filter(option => lockable.includes(option)) ?? []
    mount.options = [...new Set([...mount.options, ...flags])]
  }
}
