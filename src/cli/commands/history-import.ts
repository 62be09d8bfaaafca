import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { openPlaces } from '../../builder/builder-host.ts'
import { saveBuildState } from '../../builder/local-state.ts'
import { asSlipwayError, isSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import { flagValues } from '../../gostd/pflag/flag-values.ts'
import { goErrnoText } from '../../sys/errno-error.ts'
import { noWords } from '../argument-rule.ts'
import { openBuilderHost } from '../builder-host.ts'
import { type Command, type CommandContext, defineCommand } from '../command.ts'
import { embeddedDriver } from '../embedded.ts'
import { desktopSocket, importBundle } from '../history/desktop.ts'
import { openUrl } from '../history/open-url.ts'

interface ImportFlags {
  readonly file: readonly string[]
}

/** `history import`: exported records given to Docker Desktop or, where that does not run, to the engine of this machine. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] -',
  args: noWords,
  flags: set => {
    const flags = { file: set.stringArray('file', { shorthand: 'f', usage: 'Import from a file path' }) }
    return (): ImportFlags => flagValues(flags)
  },
  async run(context) {
    const { host, flags, signal } = context
    const socket = desktopSocket(host.env)
    const bundles: Readable[] = []
    await using stack = new AsyncDisposableStack()
    for (const file of flags.file.length === 0 ? ['-'] : flags.file)
      bundles.push(file === '-' ? Readable.from(host.stdin.stream) : await openBundle(file, host.cwd, stack))
    if (!existsSync(socket)) return await importHere(bundles, context)
    const urls: string[] = []
    for (const bundle of bundles) urls.push(...(await importBundle(socket, bundle, signal)))
    const [first] = urls
    if (first === undefined) throw new SlipwayError('not-found', 'no build records found in the bundle')
    for (const url of urls) host.stderr.write(`${url}\n`)
    await openUrl(first)
  },
})

async function openBundle(file: string, cwd: string, stack: AsyncDisposableStack): Promise<Readable> {
  try {
    const opened = stack.use(await open(resolve(cwd, file)))
    if ((await opened.stat()).isDirectory())
      throw new SlipwayError('invalid-argument', `read ${file}: is a directory`)
    return opened.createReadStream({ autoClose: false })
  } catch (e) {
    if (isSlipwayError(e)) throw e
    const { errno, code } = e as NodeJS.ErrnoException
    const text = goErrnoText({ errno, code }, 'open', file) ?? String(e)
    throw new SlipwayError(asSlipwayError(e).code, `failed to open file ${file}: ${text}`, { cause: e })
  }
}

/** Names under which the engine of this machine is a builder, and its node. */
const ownNames = ['slipway', 'default']

async function importHere(bundles: readonly Readable[], context: CommandContext<ImportFlags>): Promise<void> {
  const { host, globals, path } = context
  await using driver = await embeddedDriver(host)
  const { state, services } = await driver.engine()
  const { importBundle: importRecords } = await import('../../engine/history/import-bundle.ts')
  await using builderHost = openBuilderHost(host, globals)
  const { dir } = openPlaces(builderHost)
  const program = path.slice(0, path.lastIndexOf(' '))
  for (const bundle of bundles) {
    const target = { history: services.history, content: state.content }
    for (const { record, ...noted } of await importRecords(bundle as AsyncIterable<Buffer>, target)) {
      for (const name of noted.localPath === '' ? [] : ownNames)
        saveBuildState(dir, { builder: name, node: name, ref: record.Ref }, noted)
      host.stderr.write(`imported ${record.Ref}: ${program} inspect --builder slipway ${record.Ref}\n`)
    }
  }
}
