import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { run, tryRun } from './run.ts'

/** A program that a script or test calls, and the Debian package that brings it. */
export interface Program {
  readonly name: string
  readonly package: string
}

/** What a build needs on the machine: an OCI runtime, the emulators, and the helpers of rootless user namespaces. */
export const buildPrograms: readonly Program[] = [
  { name: 'runc', package: 'runc' },
  { name: 'qemu-aarch64-static', package: 'qemu-user-static' },
  { name: 'newuidmap', package: 'uidmap' },
]

/** What the tests call besides. None of these packages starts a service. */
export const testPrograms: readonly Program[] = [
  ...buildPrograms,
  { name: 'git', package: 'git' },
  { name: 'skopeo', package: 'skopeo' },
  { name: 'buildah', package: 'buildah' },
  { name: 'umoci', package: 'umoci' },
  { name: 'crun', package: 'crun' },
  { name: 'ssh-agent', package: 'openssh-client' },
  { name: 'openssl', package: 'openssl' },
  { name: 'gpg', package: 'gnupg' },
  { name: 'gcc', package: 'gcc' },
  { name: 'setcap', package: 'libcap2-bin' },
  { name: 'setfattr', package: 'attr' },
  { name: 'zstd', package: 'zstd' },
  { name: 'xz', package: 'xz-utils' },
  { name: 'bzip2', package: 'bzip2' },
  { name: 'unshare', package: 'util-linux' },
  { name: 'mount', package: 'mount' },
]

/** Path of a program in PATH or one of the system folders that an ordinary user's PATH may lack; undefined if absent. */
export function findProgram(name: string): string | undefined {
  const dirs = [
    ...(process.env['PATH'] ?? '').split(':'),
    '/usr/local/sbin',
    '/usr/sbin',
    '/sbin',
    '/usr/bin',
    '/bin',
  ]
  return dirs
    .filter(dir => dir !== '')
    .map(dir => join(dir, name))
    .find(isExecutable)
}

/** Whether a file is there and may be run. */
export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** What became of an attempt to install. */
export interface Installed {
  /** Packages that are still missing. */
  readonly missing: readonly string[]
  /** Why, and what to do about it; empty when nothing is missing. */
  readonly advice: string
}

/** Installs the packages of the programs that are missing, as root or by a sudo that asks nothing; says so first. */
export async function installPrograms(
  programs: readonly Program[],
  say: (line: string) => void,
): Promise<Installed> {
  const missing = missingPackages(programs)
  if (missing.length === 0) return { missing, advice: '' }
  const command = `apt-get install -y --no-install-recommends ${missing.join(' ')}`
  const become = await howToBecomeRoot()
  if (findProgram('apt-get') === undefined) {
    return { missing, advice: `install ${missing.join(', ')} (this machine has no apt-get)` }
  }
  if (become === undefined) return { missing, advice: `run as root: ${command}` }
  say(`installing ${missing.join(', ')} with apt-get`)
  const apt = [
    ...become,
    'apt-get',
    '-qq',
    '-o',
    'DPkg::Lock::Timeout=300',
    '-o',
    'Acquire::Retries=3',
  ] as const
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  try {
    await run(asCommand([...apt, 'update']), { env })
    await run(asCommand([...apt, 'install', '-y', '--no-install-recommends', ...missing]), { env })
  } catch (error) {
    return {
      missing: missingPackages(programs),
      advice: `run as root: ${command}\n${(error as Error).message}`,
    }
  }
  const left = missingPackages(programs)
  return { missing: left, advice: left.length === 0 ? '' : `apt-get installed no ${left.join(', ')}` }
}

/** The words to put before a command so that root runs it; undefined where that would need a password. */
export async function howToBecomeRoot(): Promise<readonly string[] | undefined> {
  if (process.getuid?.() === 0) return []
  if (findProgram('sudo') === undefined) return undefined
  const { code } = await tryRun(['sudo', '-n', 'true'])
  return code === 0 ? ['sudo', '-n', 'DEBIAN_FRONTEND=noninteractive'] : undefined
}

function missingPackages(programs: readonly Program[]): string[] {
  return [
    ...new Set(
      programs.filter(({ name }) => findProgram(name) === undefined).map(program => program.package),
    ),
  ]
}

function asCommand(words: readonly string[]): readonly [string, ...string[]] {
  const [program = '', ...args] = words
  return [program, ...args]
}
