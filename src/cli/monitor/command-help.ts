import { tabulate } from '../../gostd/tabwriter.ts'

interface CommandHelp {
  readonly short: string
  readonly long?: string
}

/** What the commands of the monitor do, in buildx's words. */
const commands: Readonly<Record<string, CommandHelp>> = {
  attach: {
    short: 'attach to a process in the container',
    long: `
Usage:
  attach PID

PID is for a process (visible via ps command).
Use Ctrl-a-c for switching the monitor to that process's STDIO.
`,
  },
  exec: {
    short: 'execute a process in the interactive container',
    long: `
Usage:
  exec COMMAND [ARG...]

COMMAND and ARG... will be executed in the container.
`,
  },
  exit: { short: 'exits monitor' },
  help: {
    short: 'shows this message. Optionally pass a command name as an argument to print the detailed usage.',
  },
  ps: {
    short: 'list processes invoked by "exec". Use "attach" to attach IO to that process',
    long: '\nUsage:\n  ps\n',
  },
  reload: { short: 'reloads the context and build it', long: '\nUsage:\n  reload\n' },
  rollback: {
    short: "re-runs the interactive container with the step's rootfs contents",
    long: `
Usage:
  rollback [FLAGS] [COMMAND] [ARG...]

Flags:
  --init Run the container with the initial rootfs of that step.

COMMAND and ARG... will be executed in the container.
`,
  },
}

/** All commands, a line each. */
export function helpText(): string {
  const lines = Object.entries(commands).map(([name, { short }]) => `  ${name}\t${short}\n`)
  return `Available commands are:\n${tabulate(lines.join(''), { minWidth: 0, padding: 0, tabs: true })}`
}

/** One command in full. */
export function commandHelp(name: string): string {
  const help = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (help?.long === undefined) return `monitor: no help message for ${JSON.stringify(name)}\n${helpText()}`
  return `${help.short}\n${help.long}\n`
}
