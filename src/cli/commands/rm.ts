import { removeBuilder, removeInactiveBuilders } from '../../builder/remove-builder.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { flagValues } from '../../gostd/pflag/flag-values.ts'
import { anyArgs } from '../argument-rule.ts'
import { openBuilderHost } from '../builder-host.ts'
import { type Command, defineCommand } from '../command.ts'
import { confirm } from '../prompt.ts'
import { timeoutFlag, withTimeout } from '../status-timeout.ts'

const question =
  'WARNING! This will remove all builders that are not in running state. Are you sure you want to continue?'

/** `rm`: removes builders. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] [NAME...]',
  args: anyArgs,
  flags: set => {
    const flags = {
      allInactive: set.bool('all-inactive', { usage: 'Remove every builder that is not running' }),
      force: set.bool('force', { shorthand: 'f', usage: 'Do not ask' }),
      keepDaemon: set.bool('keep-daemon', { usage: 'Leave the daemon running' }),
      keepState: set.bool('keep-state', { usage: "Keep the daemon's state" }),
      timeout: timeoutFlag(set),
    }
    return () => flagValues(flags)
  },
  async run({ host, flags, globals, args, signal }) {
    const { stderr } = host
    if (flags.allInactive && args.length > 0) {
      throw new SlipwayError('invalid-argument', 'cannot specify builder name when --all-inactive is set')
    }
    if (flags.allInactive && !flags.force && !(await confirm(host, question, signal))) return
    await using builderHost = openBuilderHost(host, globals)
    const options = { ...flags, limit: withTimeout(signal, flags.timeout), signal }
    if (flags.allInactive) {
      await removeInactiveBuilders(builderHost, options, name => stderr.write(`${name} removed\n`))
      return
    }
    const names = args.length > 0 ? args : [globals.builder]
    const results = await Promise.all(
      names.map(async name => {
        try {
          await removeBuilder(builderHost, name, options)
          stderr.write(`${name} removed\n`)
          return true
        } catch (error) {
          stderr.write(
            `failed to remove ${name}: ${error instanceof Error ? error.message : String(error)}\n`,
          )
          return false
        }
      }),
    )
    signal.throwIfAborted()
    if (results.includes(false)) throw new SlipwayError('unknown', 'failed to remove one or more builders')
  },
})
