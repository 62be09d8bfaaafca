import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { findProgram } from '../../scripts/setup/programs.ts'
import { run, tryRun } from '../../scripts/setup/run.ts'
import { addProgram } from './program-files.ts'
import { openSlipway } from './slipway.ts'

const root = join(import.meta.dirname, '..', '..')

/** Packages that the command line needs when it runs from its sources. */
const packages = ['koffi', '@koromix', '@connectrpc', '@bufbuild/protobuf', 'smol-toml', 'undici', 'yaml']

/** Programs inside a builder's container, all of them Slipway: the daemon, and what drivers call. */
const programs = ['buildkitd', 'buildctl', 'slipway']

/**
 * Makes an image with `slipway serve` as its daemon, built by Slipway itself out of what this machine has (Node, runc,
 * busybox), and returns the path of its archive for `docker load`. It is named `slipway/builder:test`.
 */
export async function makeBuilderImage(dir: string): Promise<string> {
  const rootfs = join(dir, 'rootfs')
  const app = join(rootfs, 'opt', 'slipway')
  for (const folder of ['bin', 'usr/bin', 'usr/sbin', 'etc', 'tmp', 'root', 'run', 'var/lib']) {
    await mkdir(join(rootfs, folder), { recursive: true })
  }
  await mkdir(join(app, 'node_modules'), { recursive: true })
  // Thousands of files: the program copies them in a tenth of the time that Node takes.
  await run(['cp', '-r', join(root, 'src'), join(root, 'package.json'), app])
  await run(['find', join(app, 'src'), '-name', '*.test.ts', '-delete'])
  for (const name of packages) {
    const to = join(app, 'node_modules', dirname(name))
    await mkdir(to, { recursive: true })
    await tryRun(['cp', '-rL', join(root, 'node_modules', name), to])
  }
  await addProgram(rootfs, process.execPath, '/usr/bin/node')
  await addProgram(rootfs, findProgram('runc') ?? '/usr/sbin/runc', '/usr/sbin/runc')
  await addProgram(rootfs, findProgram('busybox') ?? '/bin/busybox', '/bin/busybox')
  // What sets the sandboxes of steps up.
  for (const name of ['setpriv', 'unshare', 'mount', 'umount', 'nsenter'])
    await addProgram(rootfs, findProgram(name) ?? `/usr/bin/${name}`, `/usr/bin/${name}`)
  // Not busybox's own shell: that would take its own mount.
  await addProgram(rootfs, findProgram('dash') ?? '/bin/sh', '/bin/sh')
  for (const name of ['mkdir', 'rm', 'cat', 'test']) await symlink('busybox', join(rootfs, 'bin', name))
  for (const name of programs) {
    const path = join(rootfs, 'usr/bin', name)
    const start = 'exec /usr/bin/node --disable-warning=ExperimentalWarning /opt/slipway/src/cli/main.ts "$@"'
    await writeFile(path, `#!/bin/busybox sh\nexport SLIPWAY_ARGV0=${name}\n${start}\n`)
    await chmod(path, 0o755)
  }
  await writeFile(join(rootfs, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
  await writeFile(
    join(dir, 'Dockerfile'),
    'FROM scratch\nCOPY rootfs /\nENV PATH=/usr/bin:/usr/sbin:/bin\nENTRYPOINT ["/usr/bin/buildkitd"]\n',
  )
  const slipway = await openSlipway({ dir: join(dir, 's') })
  const archive = join(dir, 'builder.tar')
  await slipway.run(
    'build',
    '--builder=slipway',
    '-t',
    'slipway/builder:test',
    '-o',
    `type=docker,compression=uncompressed,dest=${archive}`,
    dir,
  )
  return archive
}
