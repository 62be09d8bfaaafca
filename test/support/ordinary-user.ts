import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../scripts/setup/run.ts'

/** A user who exists only in mount namespaces of their own, with subordinate ids, and sees this clone in the scratch folder. */
export interface OrdinaryUser {
  /** Runs the command given as its last arguments as that user. */
  readonly by: readonly [string, ...string[]]
  /** This clone as the user sees it. */
  readonly clone: string
  /** The Node that runs this process, as the user sees it. */
  readonly node: string
  readonly home: string
}

const uid = 4321
const firstSubordinate = 200_000

/** Makes such a user inside a scratch folder, without changing anything of the machine. Needs root. */
export async function makeOrdinaryUser(dir: string): Promise<OrdinaryUser> {
  const clone = join(dir, 'clone')
  const node = join(dir, 'node')
  const home = join(dir, 'home')
  await chmod(dir, 0o755)
  for (const folder of [clone, home, join(dir, 'etc')]) await mkdir(folder, { recursive: true })
  await writeFile(node, '')
  await run(['chown', `${uid}:${uid}`, home])
  const lines: Readonly<Record<string, string>> = {
    passwd: `builder:x:${uid}:${uid}:builder:${home}:/bin/sh`,
    group: `builder:x:${uid}:`,
    subuid: `builder:${firstSubordinate}:65536`,
    subgid: `builder:${firstSubordinate}:65536`,
  }
  const mounts = [
    `mount --bind "${join(import.meta.dirname, '..', '..')}" "${clone}"`,
    `mount --bind "${process.execPath}" "${node}"`,
  ]
  for (const [name, line] of Object.entries(lines)) {
    const file = join(dir, 'etc', name)
    await run(['sh', '-c', '{ cat "/etc/$1" 2>/dev/null; echo "$2"; } > "$3"', 'sh', name, line, file])
    mounts.push(`{ [ -e /etc/${name} ] || touch /etc/${name}; } && mount --bind "${file}" /etc/${name}`)
  }
  const become = `exec setpriv --reuid=${uid} --regid=${uid} --clear-groups --inh-caps=-all env HOME="${home}" USER=builder "$@"`
  const script = `${mounts.join(' && ')} && ${become}`
  return {
    by: ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh'],
    clone,
    node,
    home,
  }
}
