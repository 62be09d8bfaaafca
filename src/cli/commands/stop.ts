import { resolveBuilder } from '../../builder/resolve-builder.ts'
import { maxArgs } from '../argument-rule.ts'
import { openBuilderHost } from '../builder-host.ts'
import { type Command, defineCommand } from '../command.ts'

/** `stop`: stops the nodes of a builder. */
export const command: Command = defineCommand({
  usage: '[NAME]',
  args: maxArgs(1),
  flags: () => () => undefined,
  async run({ host, globals, args, signal }) {
    await using builderHost = openBuilderHost(host, globals)
    const builder = await resolveBuilder(builderHost, args[0] ?? globals.builder, { signal })
    if (builder.error !== undefined) throw builder.error
    for (const node of builder.nodes) await node.driver?.stop({ force: true }, signal)
    const failed = builder.nodes.find(node => node.error !== undefined)
    if (failed?.error !== undefined) throw failed.error
  },
})
