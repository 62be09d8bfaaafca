import { tmpdir } from 'node:os'
import { prepareInputs } from '../../build/build-inputs.ts'
import { resolveOutputs } from '../../build/outputs.ts'
import { requestFromFlags } from '../../build/request-from-flags.ts'
import { runBuild } from '../../build/run-build.ts'
import { wrapError } from '../../errors/slipway-error.ts'
import { hostPlatform } from '../host-platform.ts'
import { exactArgs } from '../argument-rule.ts'
import { type Command, type CommandContext, defineCommand } from '../command.ts'
import { embeddedDriver } from '../embedded.ts'
import { openProgress } from '../open-progress.ts'
import { type BuildFlags, declareBuildFlags } from './build-flags.ts'

/** `build`: an image, or files, of a Dockerfile. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] PATH | URL | -',
  args: exactArgs(1),
  flags: declareBuildFlags,
  async run(context) {
    try {
      return await build(context)
    } catch (e) {
      throw wrapError('failed to build', e)
    }
  },
})

async function build({ host, flags, args, signal }: CommandContext<BuildFlags>): Promise<number> {
  const [path = ''] = args
  const request = requestFromFlags(path, flags, { env: host.env, hostPlatform: hostPlatform() })
  const outputs = resolveOutputs(request.outputs, request.tags, {
    cwd: host.cwd,
    stdoutIsTerminal: host.stdout.isTTY,
  })
  await using inputs = await prepareInputs(request, {
    cwd: host.cwd,
    tempDir: tmpdir(),
    stdin: host.stdin.stream,
  })
  await using driver = await embeddedDriver(host)
  const progress = await openProgress(host, {
    progress: flags.progress,
    quiet: flags.quiet,
    label: 'embedded:default',
  })
  try {
    await using connection = await driver.dial(signal)
    const kept =
      outputs.length > 0
        ? outputs
        : [
            {
              type: 'image',
              attrs: { name: request.tags.join(','), 'dangling-name-prefix': 'slipway.local/build' },
            },
          ]
    const result = await runBuild(connection, {
      request,
      inputs,
      outputs: kept,
      attachables: [],
      onStatus: progress.write,
      signal,
    })
    await progress[Symbol.asyncDispose]()
    if (flags.quiet)
      host.stdout.write(
        `${result.exporterResponse['containerimage.config.digest'] ?? result.exporterResponse['containerimage.digest'] ?? ''}\n`,
      )
    return 0
  } finally {
    await progress[Symbol.asyncDispose]()
  }
}
