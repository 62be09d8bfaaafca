import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run, tryRun } from './run.ts'

/** Debian's names of the architectures that Slipway's tests use, by OCI platform. */
export const debianArch: Readonly<Record<string, string>> = {
  'linux/amd64': 'amd64',
  'linux/arm64': 'arm64',
  'linux/arm/v7': 'armhf',
  'linux/arm/v6': 'armel',
  'linux/s390x': 's390x',
  'linux/386': 'i386',
  'linux/ppc64le': 'ppc64el',
  'linux/mips64le': 'mips64el',
}

/** A private view of a Debian archive: downloads packages of any release and architecture, without touching /etc/apt. */
export interface Apt {
  /**
   * Downloads packages into a folder; a name may carry an architecture (`busybox-static:arm64`). Returns the files'
   * paths by package as given.
   */
  download(packages: readonly string[], dir: string): Promise<Map<string, string>>
  /** The given packages and all that they depend on, in the order of installation. */
  closure(packages: readonly string[]): Promise<string[]>
}

/** What to open. */
export interface AptOptions {
  /** Folder for lists and settings; may be used again later. */
  readonly dir: string
  /** Release, such as `bookworm`. */
  readonly suite: string
  /** Debian architectures; the first one is that of packages named without one. */
  readonly architectures: readonly [string, ...string[]]
}

/** Address of the Debian archive that this machine's own apt sources name for its release; undefined when there is none. */
export async function machineArchive(): Promise<string | undefined> {
  const release = /^VERSION_CODENAME=(\S+)$/m.exec(
    await readFile('/etc/os-release', 'utf8').catch(() => ''),
  )?.[1]
  const { code, stdout } = await tryRun(['apt-get', 'update', '--print-uris']).catch(() => ({
    code: 1,
    stdout: '',
  }))
  if (code !== 0) return undefined
  const archives = [...stdout.matchAll(/^'(\S+?)\/?\/dists\/([^/]+)\/InRelease'/gm)]
  const own = archives.find(([, , suite]) => suite === release || suite === 'stable' || suite === 'sid')
  return own?.[1]
}

/** Opens a release of the machine's own archive and brings its package lists up to date (no root needed). */
export async function openApt(options: AptOptions): Promise<Apt> {
  const archive = await machineArchive()
  if (archive === undefined) throw new Error('no Debian archive among the apt sources of this machine')
  const { dir, suite, architectures } = options
  await mkdir(join(dir, 'lists', 'partial'), { recursive: true })
  await mkdir(join(dir, 'cache', 'archives', 'partial'), { recursive: true })
  await mkdir(join(dir, 'empty'), { recursive: true })
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
  const signedBy = existsSync(keyring) ? ` signed-by=${keyring}` : ''
  await writeFile(
    join(dir, 'sources.list'),
    `deb [arch=${architectures.join(',')}${signedBy}] ${archive} ${suite} main\n`,
  )
  await writeFile(join(dir, 'status'), '')
  const settings = {
    'APT::Architecture': architectures[0],
    'APT::Architectures': architectures.join(','),
    'APT::Sandbox::User': '',
    'Acquire::Languages': 'none',
    'Acquire::Check-Valid-Until': 'false', // a mirror may stand still; signatures are verified all the same
    'Acquire::Retries': '3',
    'Dir::Etc::SourceList': join(dir, 'sources.list'),
    'Dir::Etc::SourceParts': join(dir, 'empty'),
    'Dir::Etc::Preferences': join(dir, 'empty', 'none'),
    'Dir::Etc::PreferencesParts': join(dir, 'empty'),
    'Dir::State': dir,
    'Dir::State::Lists': join(dir, 'lists'),
    'Dir::State::Status': join(dir, 'status'),
    'Dir::Cache': join(dir, 'cache'),
    'pkgCacheGen::Essential': 'none',
  }
  const flags = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`])
  await run(['apt-get', ...flags, '-qq', 'update'])
  return {
    async download(packages, target) {
      await mkdir(target, { recursive: true })
      await run(['apt-get', ...flags, '-qq', 'download', ...packages], { cwd: target })
      const names = await readdir(target)
      return new Map(packages.map(name => [name, join(target, fileOf(name, names, architectures[0]))]))
    },
    async closure(packages) {
      const plan = await run([
        'apt-get',
        ...flags,
        '-qq',
        '-s',
        'install',
        '--no-install-recommends',
        ...packages,
      ])
      return [...plan.matchAll(/^Inst (\S+) /gm)].map(match => match[1] ?? '')
    },
  }
}

function fileOf(name: string, files: readonly string[], native: string): string {
  const [pkg = '', arch = native] = name.split(':')
  const found = files.find(
    file => file.startsWith(`${pkg}_`) && (file.endsWith(`_${arch}.deb`) || file.endsWith('_all.deb')),
  )
  if (found === undefined) throw new Error(`apt named no file for package ${name}`)
  return found
}
