import { minArgs } from '../argument-rule.ts'
import { type Command, defineCommand } from '../command.ts'
import { embeddedDriver } from '../embedded.ts'

/** `image rm`: takes names out of the local store; what nothing needs any more is collected with the build cache. */
export const command: Command = defineCommand({
  usage: 'IMAGE [IMAGE...]',
  args: minArgs(1),
  hidesBuilder: true,
  flags: () => () => undefined,
  async run({ host, args }) {
    await using driver = await embeddedDriver(host)
    const { state } = await driver.engine()
    const { findImage } = await import('../../engine/stored-image.ts')
    const found = await Promise.all(args.map(name => findImage(name, state.images, state.content)))
    for (const image of found) {
      state.images.delete(image.name)
      host.stdout.write(`${image.name}\n`)
    }
  },
})
