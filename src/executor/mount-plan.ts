import { SlipwayError } from '../errors/slipway-error.ts'
import type { ContainerSpec, TreeSource } from './executor.ts'
import { type OverlayFeatures, type OverlayMount, mostLowers, overlayMount } from './root/overlay-options.ts'
import type { SetupMount } from './root/setup-script.ts'

/** Where a tree is found once the script has run. */
export interface PlannedTree {
  readonly source: TreeSource
  /** Path in the sandbox. */
  readonly path: string
}

/** The mounts that come before the runtime, and where each tree will be. */
export interface MountPlan {
  readonly mounts: readonly SetupMount[]
  readonly root: PlannedTree
  /** What the root's writes go to; undefined where they are thrown away. */
  readonly rootUpper: string | undefined
  /** Tree of each `bind` mount of the container, by its position in `mounts`. */
  readonly trees: ReadonlyMap<number, PlannedTree>
}

/** What the plan needs. */
export interface PlanOptions {
  /** The private directory in which trees are mounted. */
  readonly directory: string
  readonly features: OverlayFeatures
  /** Makes an empty directory that is removed with the container, for writes that are thrown away and for links. */
  readonly scratch: () => string
  /** Makes a symlink. */
  readonly link: (target: string, path: string) => void
}

/** Plans the mounts of a container. A tree that occurs more than once is mounted once. */
export function planMounts(container: ContainerSpec, options: PlanOptions): MountPlan {
  const mounts: SetupMount[] = []
  const planned = new Map<string, PlannedTree>()
  const plan = (given: TreeSource, writable: boolean, name: string): PlannedTree => {
    if (given.kind === 'directory') return { source: given, path: given.path }
    const source = { ...given, lowers: topmost(given.lowers) }
    const key = JSON.stringify([source.lowers, source.upper ?? (writable ? name : '')])
    const known = planned.get(key)
    if (known !== undefined) return known
    const tree = { source, path: `${options.directory}/${name}` }
    mounts.push(...mountTree(source, writable, name, options))
    planned.set(key, tree)
    return tree
  }
  const root = plan(container.root, true, 'rootfs')
  const trees = new Map<number, PlannedTree>()
  for (const [index, mount] of container.mounts.entries()) {
    if (mount.kind === 'bind') trees.set(index, plan(mount.source, !mount.readonly, `tree${index}`))
  }
  return { mounts, root, rootUpper: upperOf(container.root), trees }
}

/**
 * Each layer once: overlayfs takes no directory twice, and what a layer says lower down it says again further up, where it
 * counts.
 */
const topmost = (lowers: readonly string[]): readonly string[] =>
  lowers.filter((path, i) => lowers.lastIndexOf(path) === i)

function upperOf(source: TreeSource): string | undefined {
  return source.kind === 'directory' ? source.path : source.upper
}

function mountTree(
  source: Extract<TreeSource, { kind: 'overlay' }>,
  writable: boolean,
  name: string,
  options: PlanOptions,
): SetupMount[] {
  const { upper, work } = source
  const [only, ...more] = source.lowers
  // One layer alone needs no overlay; nor does a layer on top of nothing.
  if (more.length === 0 && upper === undefined && only !== undefined && !writable) {
    return [{ kind: 'bind', target: name, source: only }]
  }
  if (only === undefined && (upper !== undefined || !writable)) {
    return [{ kind: 'bind', target: name, source: upper ?? options.scratch() }]
  }
  if (upper !== undefined && work === undefined) {
    throw new SlipwayError('internal', 'an upper directory needs a work directory')
  }
  const changes =
    upper !== undefined && work !== undefined
      ? { upper, work }
      : writable
        ? { upper: options.scratch(), work: options.scratch() }
        : undefined
  const lowers = only === undefined ? [options.scratch()] : source.lowers
  if (lowers.length <= mostLowers) {
    return [{ kind: 'overlay', target: name, overlay: overlay(lowers, changes, options) }]
  }
  return nested(lowers, changes, name, options)
}

/** The kernel stacks an overlay on an overlay, once: the lowest layers make one that is the lowest of the other. */
function nested(
  lowers: readonly string[],
  changes: { upper: string; work: string } | undefined,
  name: string,
  options: PlanOptions,
): SetupMount[] {
  if (lowers.length > 2 * mostLowers - 1) {
    throw new SlipwayError('resource-exhausted', `cannot mount ${lowers.length} layers`, {
      hint: 'squash some layers of the base image',
    })
  }
  const base = `${name}-base`
  const inner = overlay(lowers.slice(0, mostLowers), undefined, options)
  const outer = overlay([`${options.directory}/${base}`, ...lowers.slice(mostLowers)], changes, options)
  return [
    { kind: 'overlay', target: base, overlay: inner },
    { kind: 'overlay', target: name, overlay: outer },
  ]
}

function overlay(
  lowers: readonly string[],
  changes: { upper: string; work: string } | undefined,
  options: PlanOptions,
): OverlayMount {
  const directories = { lowers, ...changes }
  const found = overlayMount(directories, options.features)
  if (found !== undefined) return found
  const links = options.scratch()
  let count = 0
  const short = (path: string): string => {
    const link = `${links}/${(count++).toString(36)}`
    options.link(path, link)
    return link
  }
  const shortened = {
    lowers: lowers.map(short),
    ...(changes === undefined ? {} : { upper: short(changes.upper), work: short(changes.work) }),
  }
  const mount = overlayMount(shortened, options.features)
  if (mount === undefined)
    throw new SlipwayError('resource-exhausted', `cannot mount ${lowers.length} layers`)
  return mount
}
