import { exactArgs } from '../argument-rule.ts'
import { type Command, defineCommand } from '../command.ts'
import { packageName, revision, version } from '../version.ts'

/** `version`: one line, name, version and revision. */
export const command: Command = defineCommand({
  usage: '',
  args: exactArgs(0),
  hidesBuilder: true,
  flags: () => () => undefined,
  run: async ({ host }) => {
    host.stdout.write(`${packageName} ${version} ${revision()}\n`)
  },
})
