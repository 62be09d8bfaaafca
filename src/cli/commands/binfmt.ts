import { createFactsReader } from '../../executor/binfmt/platforms.ts'
import { defaultMount } from '../../executor/binfmt/handler.ts'
import { manageHandlers } from '../../executor/binfmt/manage.ts'
import { emulatedArchitectures } from '../../executor/binfmt/architectures.ts'
import { findQemu, qemuVersion } from '../../executor/binfmt/qemu-binary.ts'
import { noArgs } from '../argument-rule.ts'
import { type Command, defineCommand } from '../command.ts'
import { hostPlatform } from '../host-platform.ts'
import { revision } from '../version.ts'

/** `binfmt`: registers emulators with the kernel, and prints which platforms this machine runs. */
export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  args: noArgs,
  hidesBuilder: true,
  flags(set) {
    const install = set.string('install', { usage: 'Architectures to install ("all" or a comma list)' })
    const uninstall = set.string('uninstall', { usage: 'Architectures or handlers to uninstall' })
    const mount = set.string('mount', { usage: 'Mount point of binfmt_misc', initial: defaultMount })
    const showVersion = set.bool('version', { usage: 'Show the version' })
    return () => ({
      install: list(install.value),
      uninstall: list(uninstall.value),
      mount: mount.value,
      showVersion: showVersion.value,
    })
  },
  async run({ host, flags, signal }) {
    const { env } = host
    const search = { directory: env['QEMU_BINARY_PATH'] || undefined, prefix: env['QEMU_BINARY_PREFIX'] }
    if (flags.showVersion) {
      host.stderr.write(`${await versionLine(search)}\n`)
      return
    }
    const native = hostPlatform()
    const status = await manageHandlers({
      install: flags.install,
      uninstall: flags.uninstall,
      mount: flags.mount,
      native,
      search,
      preserveArgv0: env['QEMU_PRESERVE_ARGV0'] ? true : 'auto',
      facts: createFactsReader(native, flags.mount),
      log: line => host.stderr.write(`${line}\n`),
      signal,
    })
    host.stdout.write(`${status}\n`)
  },
})

function list(text: string): string[] {
  return text === '' ? [] : text.split(',')
}

async function versionLine(search: Parameters<typeof findQemu>[1]): Promise<string> {
  for (const architecture of emulatedArchitectures) {
    const path = await findQemu(architecture, search)
    const qemu = path === undefined ? undefined : await qemuVersion(path)
    if (qemu !== undefined) return `binfmt/${revision()} qemu/${qemu}`
  }
  return `binfmt/${revision()} qemu/none`
}
