import { SlipwayError } from '../../errors/slipway-error.ts'
import { parsePlatform } from '../../oci/platform.ts'
import { minArgs } from '../argument-rule.ts'
import { type Command, defineCommand } from '../command.ts'
import { embeddedDriver } from '../embedded.ts'
import { hostPlatform } from '../host-platform.ts'

/** `run`: tries an image of the local store, of any platform that this machine runs, in a throw-away container. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  args: minArgs(1),
  hidesBuilder: true,
  argumentsEndFlags: true,
  flags(set) {
    const platform = set.string('platform', {
      usage: 'Platform of the image (default: that of this machine)',
    })
    const env = set.stringArray('env', { shorthand: 'e', usage: 'Set an environment variable' })
    const network = set.string('network', {
      usage: 'Network of the container ("host", "none")',
      initial: 'host',
    })
    set.bool('rm', { usage: 'Nothing: the container is always removed' })
    return () => ({ platform: platform.value, env: env.value, network: network.value })
  },
  async run({ host, args, flags, signal }) {
    const [name = '', ...words] = args
    const { network } = flags
    if (network !== 'host' && network !== 'none')
      throw new SlipwayError('invalid-argument', `unknown network ${network}`, { hint: 'use host or none' })
    await using driver = await embeddedDriver(host)
    const { state, services, executor, machine } = await driver.engine()
    const { findImage } = await import('../../engine/stored-image.ts')
    const { runImage } = await import('../../engine/run-image.ts')
    const found = await findImage(name, state.images, state.content)
    const platform = flags.platform === '' ? hostPlatform() : parsePlatform(flags.platform, hostPlatform())
    machine.checkPlatform(platform)
    const env = flags.env.map(text => (text.includes('=') ? text : `${text}=${host.env[text] ?? ''}`))
    const options = { platform, command: words, env, network, signal } as const
    const stdin = host.stdin.isTTY ? {} : { stdin: host.stdin.stream }
    const output = {
      stdout: (chunk: Uint8Array) => host.stdout.write(chunk),
      stderr: (chunk: Uint8Array) => host.stderr.write(chunk),
    }
    return await runImage(found, options, { ...services, executor }, { ...stdin, ...output })
  },
})
