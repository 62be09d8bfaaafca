import { resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { writeWholeFile } from '../../bytes/whole-file.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { parsePlatform } from '../../oci/platform.ts'
import { exactArgs } from '../argument-rule.ts'
import { type Command, defineCommand } from '../command.ts'
import { embeddedDriver } from '../embedded.ts'
import { hostPlatform } from '../host-platform.ts'

/** `image save`: an image of the local store as a tar archive. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] IMAGE',
  args: exactArgs(1),
  hidesBuilder: true,
  flags(set) {
    const output = set.string('output', {
      shorthand: 'o',
      usage: 'Write to this file instead of standard output',
    })
    const format = set.string('format', { usage: 'Kind of archive ("oci", "docker")', initial: 'oci' })
    const platform = set.string('platform', { usage: 'Only this platform' })
    return () => ({ output: output.value, format: format.value, platform: platform.value })
  },
  async run({ host, args, flags, signal }) {
    const [name = ''] = args
    const { output, format } = flags
    if (format !== 'oci' && format !== 'docker')
      throw new SlipwayError('invalid-argument', `unknown format ${format}`, { hint: 'use oci or docker' })
    if (output === '' && host.stdout.isTTY) {
      throw new SlipwayError('invalid-argument', 'refusing to write an archive to the terminal', {
        hint: 'name a file with -o',
      })
    }
    await using driver = await embeddedDriver(host)
    const { state } = await driver.engine()
    const { findImage, onePlatform, readImage } = await import('../../engine/stored-image.ts')
    const { imageArchive } = await import('../../exporter/image-archive.ts')
    const { noProgress } = await import('../../engine/client-step.ts')
    const found = await findImage(name, state.images, state.content)
    const whole = await readImage(found.descriptor, state.content)
    const image =
      flags.platform === ''
        ? whole
        : await onePlatform(whole, parsePlatform(flags.platform, hostPlatform()), state.content)
    const options = {
      names: [found.name].filter(one => !one.includes('@') && !one.startsWith('sha256:')),
      createdMs: host.now(),
      docker: format === 'docker',
    }
    const stream = imageArchive(image, options, state.content, {
      signal,
      progress: noProgress,
      sessionId: '',
    })
    if (output === '') {
      await pipeline(stream, host.stdout.stream, { end: false, signal })
      return
    }
    await writeWholeFile(resolve(host.cwd, output), stream, { signal })
  },
})
