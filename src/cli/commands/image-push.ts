import { formatReference, parseReference, withDefaultTag } from '../../oci/reference.ts'
import { rangeArgs } from '../argument-rule.ts'
import { authAttachable } from '../client-attachables.ts'
import { type Command, defineCommand } from '../command.ts'
import { embeddedDriver } from '../embedded.ts'
import { openProgress } from '../open-progress.ts'

/** `image push`: sends an image of the local store to its registry, or under another name. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] IMAGE [TARGET]',
  args: rangeArgs(1, 2),
  hidesBuilder: true,
  flags(set) {
    const progress = set.string('progress', {
      usage: 'How to show progress ("auto", "none", "plain", "quiet", "rawjson", "tty")',
      initial: 'auto',
    })
    const insecure = set.bool('insecure', {
      usage: 'Allow plain HTTP and certificates that cannot be verified',
    })
    return () => ({ progress: progress.value, insecure: insecure.value })
  },
  async run({ host, args, flags, signal }) {
    const [name = '', target] = args
    await using driver = await embeddedDriver(host)
    const { state, services, sessions } = await driver.engine()
    const { findImage, readImage } = await import('../../engine/stored-image.ts')
    const { clientStep } = await import('../../engine/client-step.ts')
    const { pushImage } = await import('../../exporter/push.ts')
    const { inMemorySession } = await import('../../session/in-memory-session.ts')
    const found = await findImage(name, state.images, state.content)
    const reference = withDefaultTag(parseReference(target ?? found.name))
    const image = await readImage(found.descriptor, state.content)
    using session = inMemorySession({ id: 'push', name: 'push', sharedKey: '' }, [authAttachable(host)])
    using _registered = sessions.register(session.caller)
    const progress = await openProgress(host, { progress: flags.progress, phase: 'Pushing' })
    try {
      const step = { id: `push ${formatReference(reference)}`, name: `pushing ${formatReference(reference)}` }
      await clientStep(step, progress.write, shown => {
        const ctx = { signal, progress: shown, sessionId: session.caller.id }
        return pushImage(
          image,
          services.pushTarget(reference, { insecure: flags.insecure, byDigest: false }, ctx),
          state.content,
          ctx,
        )
      })
    } finally {
      await progress[Symbol.asyncDispose]()
    }
    host.stdout.write(`${found.descriptor.digest}\n`)
  },
})
