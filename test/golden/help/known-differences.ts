import type { HelpPage } from './help-page.ts'

/** Commands that only we have, and those of debuggers and policies, which we do not have. */
const otherCommands = new Set(['binfmt', 'image', 'run', 'serve', 'dap', 'debug', 'policy'])

/** Flags by name that only we have, or only the real tool, by command. */
const otherFlags: Readonly<Record<string, readonly string[]>> = { inspect: ['format'] }

/** A page without what differs on purpose. */
export function withoutKnown(title: string, page: HelpPage): HelpPage {
  const command = title.replace(/^(experimental|docker buildx) ?/, '')
  const skipped = otherFlags[command] ?? []
  const { commands, flags, ...rest } = page
  return {
    ...rest,
    ...(commands === undefined ? {} : { commands: commands.filter(name => !otherCommands.has(name)) }),
    ...(flags === undefined ? {} : { flags: flags.filter(flag => !skipped.includes(flag.name)) }),
  }
}
