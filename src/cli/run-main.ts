import { abortable } from '../async/abort.ts'
import { commandTable } from './command-table.ts'
import type { Host } from './host.ts'
import { nodeHost } from './node-host.ts'
import { runCli } from './run-cli.ts'
import { abortOnSignals } from './signals.ts'

/** Runs the command line of this process and exits with its code. */
export async function runMain(): Promise<void> {
  const host = nodeHost()
  const signal = abortOnSignals(host)
  const code = await runProgram(host, signal)
  // A pipe takes what its reader has room for: who waits for a reader can be stopped. Handles that are still open (an idle
  // connection, a paused standard input) must not keep a finished command alive.
  const written = Promise.all([host.stdout.drain?.(), host.stderr.drain?.()])
  await abortable(written, signal).catch(() => undefined)
  process.exit(code)
}

/** What the program does under the name that it was started by. */
async function runProgram(host: Host, signal: AbortSignal): Promise<number> {
  switch (host.program) {
    case 'buildctl':
      return (await import('./buildctl.ts')).runBuildctl(host, signal)
    case 'buildkitd':
      return (await import('./serve/run-buildkitd.ts')).runBuildkitd(host, signal)
    default:
      return runCli(host, commandTable, signal)
  }
}
