import { type InvokeConfig, parseInvokeConfig } from '../../build/invoke-config.ts'
import { asSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import { exactArgs } from '../argument-rule.ts'
import { type Command, type CommandContext, defineCommand } from '../command.ts'
import { reloadDetail } from '../monitor/monitor.ts'
import { build } from './build.ts'
import { type BuildFlags, declareBuildFlags } from './build-flags.ts'

interface DebugFlags extends BuildFlags {
  readonly invoke: string
  readonly on: string
}

/** `debug build`: a build that stops where a step fails, or at its end, for the user to look at it. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] PATH | URL | -',
  args: exactArgs(1),
  flags: (set, env) => {
    const read = declareBuildFlags(set, env)
    const invoke = set.string('invoke', {
      usage: 'What to run in the container ("default", "on-error", a program, "args=…,env=…")',
    })
    const on = set.string('on', { usage: 'When to stop ([always, error])', initial: 'error' })
    return () => ({ ...read(), invoke: invoke.value, on: on.value })
  },
  run: async context => {
    const { flags, args } = context
    if (flags.file === '-' || args[0] === '-') {
      throw new SlipwayError(
        'invalid-argument',
        'Dockerfile or context from stdin is not supported with debugger',
      )
    }
    return await untilDone(context, parseInvokeConfig(flags.invoke, flags.on))
  },
})

async function untilDone(context: CommandContext<DebugFlags>, debug: InvokeConfig): Promise<number> {
  for (;;) {
    try {
      return await build(context, debug)
    } catch (e) {
      if (!asSlipwayError(e).details.some(detail => detail.type === reloadDetail)) throw e
    }
  }
}
