import { useBuilder } from '../../builder/use-builder.ts'
import { flagValues } from '../../gostd/pflag/flag-values.ts'
import { maxArgs } from '../argument-rule.ts'
import { openBuilderHost } from '../builder-host.ts'
import { type Command, defineCommand } from '../command.ts'

/** `use`: chooses the current builder. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] NAME',
  args: maxArgs(1),
  flags: set => {
    const flags = {
      isDefault: set.bool('default', { usage: 'Choose it again whenever this docker context is in use' }),
      global: set.bool('global', { usage: 'Keep it when the docker context changes' }),
    }
    return () => flagValues(flags)
  },
  async run({ host, flags, globals, args, signal }) {
    await using builderHost = openBuilderHost(host, globals)
    await useBuilder(builderHost, args[0] ?? globals.builder, { ...flags, signal })
  },
})
