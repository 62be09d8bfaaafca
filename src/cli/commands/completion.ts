import { noArgs } from '../argument-rule.ts'
import { type Command, defineCommand } from '../command.ts'
import { type CompletionShell, completionScript } from '../completion-script.ts'

/** `completion SHELL`: the script that a shell reads to complete the lines of this program. */
export const completionCommand = (shell: CompletionShell): Command =>
  defineCommand({
    usage: '',
    args: noArgs,
    hidesBuilder: true,
    flags: set => {
      set.bool('no-descriptions', { usage: 'Accepted; has no effect' })
      return () => undefined
    },
    run: async ({ host }) => host.stdout.write(completionScript(shell, host.program)),
  })
