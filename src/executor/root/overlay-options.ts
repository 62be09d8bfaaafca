import { posix } from 'node:path'

/** Directories of one overlay mount, absolute, lowest first; `upper` and `work` are absent for a read-only view. */
export interface OverlayDirectories {
  readonly lowers: readonly string[]
  readonly upper?: string | undefined
  readonly work?: string | undefined
}

/** How to mount it: change to `cwd`, then mount with `options`. */
export interface OverlayMount {
  readonly cwd: string
  readonly options: string
  /** Mark that a mount without syncing leaves in its work directory, relative to `cwd`: with it, no second mount. */
  readonly mark?: string
}

/** What the kernel's overlayfs understands. */
export interface OverlayFeatures {
  /** Attributes go to `user.overlay.*`: needed in a user namespace. */
  readonly userXattr: boolean
  /** Names of the module's parameters; options of the same name exist. */
  readonly parameters: ReadonlySet<string>
  /**
   * Nothing is synced for the mount's sake, neither when programs ask for it nor when it ends; otherwise its end waits for
   * all that the file system has to write. What a crash of the machine may lose, the state directory finds out later.
   */
  readonly volatile: boolean
}

/** Whether a kernel of this release has volatile overlay mounts (5.10). */
export function hasVolatileOverlay(release: string): boolean {
  const [major = 0, minor = 0] = release.split('.').map(part => Number.parseInt(part, 10))
  return major > 5 || (major === 5 && minor >= 10)
}

/** `mount` passes at most a page of options, its closing NUL included. */
const longestOptions = 4095
/** Most lower directories of one overlay. Source: linux/fs/overlayfs/params.h, OVL_MAX_STACK. */
export const mostLowers = 500

/**
 * Options for one overlay mount, with paths relative to the directory that all have in common: this keeps long stacks
 * within a page, and odd characters of the state directory's own path out of the options. Undefined where they would
 * still be too long, or names hold characters that options cannot: then short links have to stand for the directories.
 * A layer must hold whole files, so renamed directories and metadata-only copies are switched off where they exist.
 */
export function overlayMount(
  directories: OverlayDirectories,
  features: OverlayFeatures,
): OverlayMount | undefined {
  const { lowers, upper, work } = directories
  const all = [...lowers, ...(upper === undefined ? [] : [upper]), ...(work === undefined ? [] : [work])]
  const cwd = commonDirectory(all)
  const name = (path: string): string => posix.relative(cwd, path)
  if (all.some(path => !/^[\w.@%+=-][\w.@%+=/-]*$/.test(name(path)))) return undefined
  const options = [
    `lowerdir=${lowers.map(name).reverse().join(':')}`,
    ...(upper === undefined || work === undefined
      ? []
      : [`upperdir=${name(upper)}`, `workdir=${name(work)}`]),
    ...featureOptions(features, upper !== undefined),
  ].join(',')
  if (Buffer.byteLength(options) > longestOptions) return undefined
  const mark =
    features.volatile && work !== undefined ? { mark: posix.join(name(work), 'work', 'incompat') } : {}
  return { cwd, options, ...mark }
}

function featureOptions(features: OverlayFeatures, writable: boolean): string[] {
  const sync = writable && features.volatile ? ['volatile'] : []
  if (features.userXattr) return ['userxattr', ...sync]
  const off = writable ? ['index', 'redirect_dir', 'metacopy'] : ['index']
  return [...off.filter(name => features.parameters.has(name)).map(name => `${name}=off`), ...sync]
}

/** The deepest directory that holds all of `paths` (and is none of them). */
function commonDirectory(paths: readonly string[]): string {
  let common = posix.dirname(paths[0] ?? '/')
  for (const path of paths) {
    while (!path.startsWith(common === '/' ? '/' : `${common}/`)) common = posix.dirname(common)
  }
  return common
}
