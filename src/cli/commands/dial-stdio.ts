import { resolveBuilder } from '../../builder/resolve-builder.ts'
import { resolveNodes } from '../../builder/resolve-nodes.ts'
import { SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import { flagValues } from '../../gostd/pflag/flag-values.ts'
import { parsePlatform, type Platform } from '../../oci/platform.ts'
import { clientStep } from '../../progress/client-step.ts'
import { noWords } from '../argument-rule.ts'
import { openBuilderHost } from '../builder-host.ts'
import { type Command, defineCommand } from '../command.ts'
import { hostPlatform } from '../host-platform.ts'
import { openProgress } from '../open-progress.ts'
import { proxyStreams } from '../proxy-streams.ts'

/** `dial-stdio`: the connection to a node as standard input and output, HTTP/2 without TLS. */
export const command: Command = defineCommand({
  usage: '',
  args: noWords,
  flags: (set, env) => {
    const flags = {
      platform: set.string('platform', {
        usage: 'Choose the node that builds this platform',
        initial: env['DOCKER_DEFAULT_PLATFORM'] ?? '',
      }),
      progress: set.string('progress', {
        usage: 'How progress is shown ("auto", "none", "plain", "rawjson", "tty")',
        initial: 'none',
      }),
    }
    return () => flagValues(flags)
  },
  async run({ host, flags, globals, signal }) {
    await using builderHost = openBuilderHost(host, globals)
    const builder = await resolveBuilder(builderHost, globals.builder, {
      signal,
      contextKey: host.cwd,
      touch: true,
      validate: true,
    })
    const platforms = flags.platform === '' ? [] : [readPlatform(flags.platform)]
    const progress = await openProgress(host, {
      progress: flags.progress === 'none' ? 'quiet' : flags.progress,
      phase: 'dial-stdio',
      description: `builder: ${builder.name}`,
      label: `builder:${builder.name}`,
    })
    try {
      const now = (): number => host.now()
      await clientStep(
        progress.write,
        'Proxying to builder',
        async () => {
          const connection = await clientStep(
            progress.write,
            'Dialing builder',
            async () => {
              const { nodes, assignments } = await resolveNodes(builder, {
                platforms,
                write: progress.write,
                warn: line => host.stderr.write(`WARNING: ${line}\n`),
                signal,
              })
              const driver = nodes[assignments[0]?.node ?? 0]?.driver
              if (driver === undefined) throw new SlipwayError('unavailable', 'no nodes available')
              return await driver.open(signal)
            },
            { now },
          )
          await proxyStreams(connection, host.stdin.stream, host.stdout.stream, signal)
        },
        { now },
      )
    } finally {
      await progress[Symbol.asyncDispose]()
    }
  },
})

function readPlatform(text: string): Platform {
  try {
    return parsePlatform(text, hostPlatform())
  } catch (error) {
    throw wrapError(`invalid platform ${JSON.stringify(text)}`, error)
  }
}
