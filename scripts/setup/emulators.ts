import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { howToBecomeRoot } from './programs.ts'
import { run } from './run.ts'

const binfmtMisc = '/proc/sys/fs/binfmt_misc'
/** Rules for the kernel, one line each, as Debian's package of QEMU brings them. */
const rules = '/usr/lib/binfmt.d'

/** QEMU's names of the architectures that the tests emulate. */
const emulated = ['x86_64', 'aarch64', 'arm', 's390x', 'ppc64le', 'mips64el']

/**
 * Tells the kernel which emulator runs foreign programs, with the package's own rules: on a machine without systemd nobody
 * else does. On purpose not by `slipway binfmt`, which has its own tests. Needs root; says so where it has none.
 */
export async function registerEmulators(say: (line: string) => void): Promise<void> {
  const missing = emulated.filter(
    name => existsSync(join(rules, `qemu-${name}.conf`)) && !existsSync(join(binfmtMisc, `qemu-${name}`)),
  )
  if (missing.length === 0) return
  const become = await howToBecomeRoot()
  if (become === undefined) {
    say(`no handlers for ${missing.join(', ')}: run \`sudo ./slipway binfmt --install all\``)
    return
  }
  say(`registering QEMU for ${missing.join(', ')}`)
  const root = (script: string, input = '') =>
    become.length === 0
      ? run(['sh', '-c', script], { input })
      : run(['sudo', '-n', 'sh', '-c', script], { input })
  if (!existsSync(join(binfmtMisc, 'register'))) await root(`mount -t binfmt_misc binfmt_misc ${binfmtMisc}`)
  for (const name of missing) {
    if (existsSync(join(binfmtMisc, `qemu-${name}`))) continue
    const rule = readFileSync(join(rules, `qemu-${name}.conf`), 'utf8').trim()
    await root(`cat > ${binfmtMisc}/register`, rule)
  }
}
