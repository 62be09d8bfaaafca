/** One line of /proc/self/mountinfo. Source: linux/Documentation/filesystems/proc.rst, section 3.5. */
export interface MountPoint {
  readonly id: number
  readonly parent: number
  /** Path inside the mounted file system that is the root of this mount. */
  readonly root: string
  readonly mountPoint: string
  readonly options: readonly string[]
  /** `shared:1`, `master:2`… */
  readonly optional: readonly string[]
  readonly type: string
  readonly source: string
  readonly superOptions: readonly string[]
}

/** Parses the text of a mountinfo file; lines of another form are left out. */
export function parseMountinfo(text: string): MountPoint[] {
  const mounts: MountPoint[] = []
  for (const line of text.split('\n')) {
    const fields = line.split(' ')
    const dash = fields.indexOf('-', 6)
    if (dash < 0 || fields.length < dash + 4) continue
    mounts.push({
      id: Number(fields[0]),
      parent: Number(fields[1]),
      root: unescapeOctal(fields[3] ?? ''),
      mountPoint: unescapeOctal(fields[4] ?? ''),
      options: (fields[5] ?? '').split(','),
      optional: fields.slice(6, dash),
      type: fields[dash + 1] ?? '',
      source: unescapeOctal(fields[dash + 2] ?? ''),
      superOptions: (fields[dash + 3] ?? '').split(','),
    })
  }
  return mounts
}

/** The mount that `path` (absolute and clean) lies in: the longest mount point above it, the latest of equal ones. */
export function findMount(mounts: readonly MountPoint[], path: string): MountPoint | undefined {
  let best: MountPoint | undefined
  for (const mount of mounts) {
    const point = mount.mountPoint
    const inside = point === '/' || path === point || path.startsWith(`${point}/`)
    if (inside && point.length >= (best?.mountPoint.length ?? 0)) best = mount
  }
  return best
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}
