import { buildkitVersion } from '../../engine/version.ts'
import type { CommandRow } from '../command.ts'
import type { Host } from '../host.ts'
import { runCli } from '../run-cli.ts'
import { version } from '../version.ts'

const table: CommandRow = {
  name: 'buildkitd',
  summary: 'Serve builds to BuildKit clients',
  load: () => import('../commands/serve.ts'),
}

/** The command line of a process that was started as `buildkitd`: `serve`, under that name. Answers the exit status. */
export async function runBuildkitd(host: Host, signal: AbortSignal): Promise<number> {
  const { args, stdout } = host
  if (args.some(arg => arg === '--version' || arg === '-v')) {
    stdout.write(`buildkitd github.com/moby/buildkit ${buildkitVersion.version} ${version}\n`)
    return 0
  }
  return await runCli(host, table, signal)
}
