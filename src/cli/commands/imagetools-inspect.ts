import { SlipwayError } from '../../errors/slipway-error.ts'
import { inspectImage, inspectText } from '../../imagetools/inspect.ts'
import { formatInspected } from '../../imagetools/inspect-format.ts'
import { exactArgs } from '../argument-rule.ts'
import { openBuilderHost } from '../builder-host.ts'
import { type Command, defineCommand } from '../command.ts'
import { openImageTools } from '../open-image-tools.ts'

/** `imagetools inspect`: what is behind the name of an image. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] NAME',
  args: exactArgs(1),
  flags(set) {
    const format = set.string('format', {
      usage: 'Format the output by this Go template',
    })
    const raw = set.bool('raw', { usage: 'Show the manifest as it is stored' })
    return () => ({ format: format.value, raw: raw.value })
  },
  async run({ host, args, flags, globals, signal }) {
    const [name = ''] = args
    const { format, raw } = flags
    if (format !== '' && raw)
      throw new SlipwayError('invalid-argument', 'format and raw cannot be used together')
    await using builderHost = openBuilderHost(host, globals)
    const builder = { host: builderHost, name: globals.builder }
    await using tools = await openImageTools(host, { names: args, builder, signal })
    const inspected = await inspectImage(name, tools)
    if (raw) host.stdout.write(inspected.bytes)
    else if (format === '') host.stdout.write(inspectText(inspected))
    else host.stdout.write(await formatInspected(inspected, format, tools))
  },
})
