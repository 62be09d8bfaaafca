import { commandTable } from './command-table.ts'
import { nodeHost } from './node-host.ts'
import { runCli } from './run-cli.ts'
import { abortOnSignals } from './signals.ts'

/** Runs the command line of this process and exits with its code. */
export async function runMain(): Promise<void> {
  const started = nodeHost()
  const host = started.program === 'buildkitd' ? { ...started, args: ['serve', ...started.args] } : started
  const signal = abortOnSignals(host)
  const code =
    started.program === 'buildctl'
      ? await (await import('./buildctl.ts')).runBuildctl(host, signal)
      : await runCli(host, commandTable, signal)
  // Standard output and error are written synchronously on Linux, so nothing is lost; handles that are still open
  // (an idle connection, a paused standard input) must not keep a finished command alive.
  process.exit(code)
}
