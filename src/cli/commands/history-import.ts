import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { flagValues } from '../../gostd/pflag/flag-values.ts'
import { noArgs } from '../argument-rule.ts'
import { type Command, defineCommand } from '../command.ts'
import { desktopSocket, importBundle } from '../history/desktop.ts'
import { openUrl } from '../history/open-url.ts'

/** `history import`: exported records given to Docker Desktop. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] -',
  args: noArgs,
  flags: set => {
    const flags = { file: set.stringArray('file', { shorthand: 'f', usage: 'Import from a file path' }) }
    return () => flagValues(flags)
  },
  async run({ host, flags, signal }) {
    const socket = desktopSocket(host.env)
    const urls: string[] = []
    for (const file of flags.file.length === 0 ? ['-'] : flags.file) {
      const bundle =
        file === '-' ? Readable.from(host.stdin.stream) : createReadStream(resolve(host.cwd, file))
      urls.push(...(await importBundle(socket, bundle, signal)))
    }
    const [first] = urls
    if (first === undefined) throw new SlipwayError('not-found', 'no build records found in the bundle')
    for (const url of urls) host.stderr.write(`${url}\n`)
    await openUrl(first)
  },
})
