import { bootNodes } from '../../builder/boot-nodes.ts'
import { createBuilder, leaveBuilder } from '../../builder/create-builder.ts'
import { instanceDrivers } from '../../drivers/create-driver.ts'
import { toMilliseconds } from '../../gostd/duration.ts'
import { flagValues } from '../../gostd/pflag/flag-values.ts'
import { maxArgs } from '../argument-rule.ts'
import { openBuilderHost } from '../builder-host.ts'
import { type Command, defineCommand } from '../command.ts'
import { hostPlatform } from '../host-platform.ts'
import { openProgress } from '../open-progress.ts'
import { timeoutFlag } from '../status-timeout.ts'

/** `create`: a new builder, or a node of one. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] [CONTEXT|ENDPOINT]',
  args: maxArgs(1),
  hidesBuilder: true,
  flags: set => {
    const drivers = instanceDrivers.map(name => JSON.stringify(name)).join(', ')
    const flags = {
      append: set.bool('append', { usage: 'Add a node to the builder instead of changing one' }),
      bootstrap: set.bool('bootstrap', { usage: 'Start the builder when it has been made' }),
      configFile: set.string('buildkitd-config', { usage: "File of the daemon's configuration" }),
      oldConfigFile: set.string('config', { usage: "File of the daemon's configuration", hidden: true }),
      flags: set.string('buildkitd-flags', { usage: 'Flags of the daemon' }),
      driver: set.string('driver', { usage: `Driver (one of: ${drivers})` }),
      driverOpts: set.stringArray('driver-opt', { usage: 'Options of the driver' }),
      leave: set.bool('leave', { usage: 'Take a node out of the builder' }),
      name: set.string('name', { usage: 'Name of the builder' }),
      node: set.string('node', { usage: 'Name of the node to make or change' }),
      platforms: set.stringArray('platform', { usage: 'Platforms that this node is for' }),
      timeout: timeoutFlag(set),
      use: set.bool('use', { usage: 'Make it the current builder' }),
    }
    return () => flagValues(flags)
  },
  async run({ host, flags, globals, args, signal }) {
    await using builderHost = openBuilderHost(host, globals)
    if (flags.leave) {
      await leaveBuilder(builderHost, { name: flags.name, node: flags.node, signal })
      return
    }
    const builder = await createBuilder(builderHost, {
      ...flags,
      configFile: flags.configFile || flags.oldConfigFile,
      endpoint: args[0] ?? '',
      timeout: toMilliseconds(flags.timeout),
      hostPlatform: hostPlatform(),
      signal,
    })
    if (flags.bootstrap) {
      const progress = await openProgress(host, { progress: 'auto' })
      try {
        await bootNodes(builder.nodes, progress.write, signal)
      } finally {
        await progress[Symbol.asyncDispose]()
      }
    }
    host.stdout.write(`${builder.name}\n`)
  },
})
