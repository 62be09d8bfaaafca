import { chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './run.ts'

/** A file tree out of Debian packages: what is unpacked, and what lies on top. */
export interface RootfsSource {
  /** Paths of .deb files, unpacked in order; their maintainer scripts are not run. */
  readonly debs: readonly string[]
  /** Whether /bin, /sbin and /lib are links into /usr, as in Debian since 12. */
  readonly mergedUsr?: boolean
  /** Text files by path. */
  readonly files?: Readonly<Record<string, string>>
  /** Symbolic links by path. */
  readonly links?: Readonly<Record<string, string>>
  /** Patterns of GNU tar for what is left out of the archive. */
  readonly exclude?: readonly string[]
}

/** Makes the tree in a scratch folder and packs it into a tar file whose bytes depend on nothing but its content. */
export async function makeRootfsTar(source: RootfsSource, scratch: string, tar: string): Promise<void> {
  const root = join(scratch, 'root')
  await mkdir(root, { recursive: true })
  await chmod(root, 0o755)
  if (source.mergedUsr === true) await mergeUsr(root)
  for (const deb of source.debs) {
    // dpkg-deb -x would put a folder where a link leads to one.
    const script = 'dpkg-deb --fsys-tarfile "$1" | tar -x --no-same-owner --keep-directory-symlink -C "$2"'
    await run(['sh', '-c', script, 'sh', deb, root])
  }
  for (const dir of ['dev', 'etc', 'home', 'proc', 'root', 'run', 'sys', 'tmp', 'usr/local/bin', 'var/tmp']) {
    await mkdir(join(root, dir), { recursive: true })
  }
  await chmod(join(root, 'tmp'), 0o1777)
  await chmod(join(root, 'var/tmp'), 0o1777)
  await chmod(join(root, 'root'), 0o700)
  for (const [path, text] of Object.entries(source.files ?? {})) {
    await mkdir(join(root, path, '..'), { recursive: true })
    await writeFile(join(root, path), text, { mode: text.startsWith('#!') ? 0o755 : 0o644 })
  }
  for (const [path, target] of Object.entries(source.links ?? {})) {
    await mkdir(join(root, path, '..'), { recursive: true })
    await symlink(target, join(root, path)).catch(isThere)
  }
  const exclude = (source.exclude ?? []).map(pattern => `--exclude=${pattern}`)
  const same = [
    '--sort=name',
    '--mtime=@1577836800',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--format=gnu',
  ]
  await run(['tar', '-c', ...same, ...exclude, '-f', tar, '-C', root, ...(await readdir(root)).sort()])
}

async function mergeUsr(root: string): Promise<void> {
  for (const dir of ['bin', 'sbin', 'lib', 'lib64']) {
    await mkdir(join(root, 'usr', dir), { recursive: true })
    await symlink(`usr/${dir}`, join(root, dir))
  }
}

function isThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}
