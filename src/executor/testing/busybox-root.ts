import { execFileSync } from 'node:child_process'
import {
  accessSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const applets = (
  'sh ls cat echo true false sleep id mkdir rm rmdir touch mount umount env stty tty hostname wc ln readlink dd nc head ' +
  'ip ping route stat test grep ps kill chmod chown cp mv tr cut sort tail uname sync test'
).split(' ')

/**
 * A static busybox for a Debian architecture (`amd64`, `arm64`…), downloaded once from the distribution and kept in the
 * temporary directory; undefined where that is not possible. For tests only.
 */
export function busyboxBinary(architecture: string): string | undefined {
  const kept = join(tmpdir(), `slipway-test-busybox-${architecture}`)
  if (existsSync(kept)) return kept
  const work = mkdtempSync(join(tmpdir(), 'slipway-busybox-'))
  try {
    chmodSync(work, 0o777)
    const name = `busybox-static:${architecture}`
    const options = { cwd: work, stdio: 'ignore' as const }
    const apt = aptOptions(work, architecture)
    if (apt.length > 0) execFileSync('apt-get', [...apt, '-q', 'update'], options)
    execFileSync('apt-get', [...apt, 'download', name], options)
    const file = readdirSync(work).find(entry => entry.endsWith('.deb'))
    if (file === undefined) return undefined
    execFileSync('dpkg', ['-x', file, 'out'], options)
    const binary = ['out/bin/busybox', 'out/usr/bin/busybox'].map(p => join(work, p)).find(existsSync)
    if (binary === undefined) return undefined
    copyFileSync(binary, join(work, 'busybox'))
    renameSync(join(work, 'busybox'), kept)
    return kept
  } catch {
    return undefined
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** A foreign architecture needs package lists of its own, so that those of the machine stay as they are. */
function aptOptions(work: string, architecture: string): string[] {
  const own = execFileSync('dpkg', ['--print-architecture']).toString().trim()
  if (own === architecture) return []
  mkdirSync(join(work, 'lists/partial'), { recursive: true })
  mkdirSync(join(work, 'cache/archives/partial'), { recursive: true })
  return [
    ...['-o', `APT::Architecture=${architecture}`, '-o', `APT::Architectures=${architecture}`],
    ...['-o', `Dir::State::lists=${work}/lists`, '-o', `Dir::Cache=${work}/cache`],
    ...['-o', 'APT::Sandbox::User=root'],
  ]
}

/** Makes a small root file system at `path` from a busybox binary. */
export function makeBusyboxRoot(path: string, binary: string): void {
  for (const directory of ['bin', 'dev', 'etc', 'proc', 'root', 'sys', 'tmp'])
    mkdirSync(join(path, directory), { recursive: true })
  copyFileSync(binary, join(path, 'bin/busybox'))
  chmodSync(join(path, 'bin/busybox'), 0o755)
  for (const applet of new Set(applets)) symlinkSync('busybox', join(path, 'bin', applet))
  writeFileSync(join(path, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
  chmodSync(join(path, 'tmp'), 0o1777)
}

/** Tells whether a program is installed. */
export function hasProgram(name: string): boolean {
  return ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'].some(directory => {
    try {
      accessSync(join(directory, name))
      return true
    } catch {
      return false
    }
  })
}
