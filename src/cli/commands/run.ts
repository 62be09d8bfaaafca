import { SlipwayError } from '../../errors/slipway-error.ts'
import type { ProcessStdio } from '../../executor/executor.ts'
import type { Platform } from '../../oci/descriptor.ts'
import { formatPlatform, parsePlatform } from '../../oci/platform.ts'
import { minArgs } from '../argument-rule.ts'
import { type Command, defineCommand } from '../command.ts'
import { embeddedDriver } from '../embedded.ts'
import type { Host } from '../host.ts'
import { hostPlatform } from '../host-platform.ts'
import { PrefixedLines } from '../prefixed-lines.ts'

/**
 * `run`: tries an image of the local store, of any platform that this machine runs, in a throw-away container. Several
 * platforms run at the same time, without standard input; the exit code is that of the first that fails.
 */
export const command: Command = defineCommand({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  args: minArgs(1),
  hidesBuilder: true,
  argumentsEndFlags: true,
  flags(set) {
    const platform = set.string('platform', {
      usage: 'Platform of the image, or several (default: that of this machine)',
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
    const platforms = wantedPlatforms(flags.platform)
    for (const platform of platforms) machine.checkPlatform(platform)
    const env = flags.env.map(text => (text.includes('=') ? text : `${text}=${host.env[text] ?? ''}`))
    const run = (platform: Platform, stdio: ProcessStdio): Promise<number> =>
      runImage(found, { platform, command: words, env, network, signal }, { ...services, executor }, stdio)
    if (platforms.length > 1) {
      const codes = await Promise.all(platforms.map(platform => runNamed(platform, run, host)))
      return codes.find(code => code !== 0) ?? 0
    }
    const stdin = host.stdin.isTTY ? {} : { stdin: host.stdin.stream }
    const output = {
      stdout: (chunk: Uint8Array) => host.stdout.write(chunk),
      stderr: (chunk: Uint8Array) => host.stderr.write(chunk),
    }
    return await run(platforms[0] ?? hostPlatform(), { ...stdin, ...output })
  },
})

function wantedPlatforms(text: string): readonly Platform[] {
  const own = hostPlatform()
  return text === '' ? [own] : text.split(',').map(one => parsePlatform(one.trim(), own))
}

/** Runs one of several: its lines begin with the name of the platform. */
async function runNamed(
  platform: Platform,
  run: (platform: Platform, stdio: ProcessStdio) => Promise<number>,
  host: Host,
): Promise<number> {
  const name = formatPlatform(platform).padEnd(14)
  using stdout = new PrefixedLines(`${name} `, line => host.stdout.write(line))
  using stderr = new PrefixedLines(`${name} `, line => host.stderr.write(line))
  return await run(platform, { stdout: chunk => stdout.write(chunk), stderr: chunk => stderr.write(chunk) })
}
