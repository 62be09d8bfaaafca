import type { LocalEngine } from '../../engine/local-engine.ts'
import { humanSize } from '../../gostd/byte-units.ts'
import { humanDuration } from '../../gostd/human-duration.ts'
import { tabulate } from '../../gostd/tabwriter.ts'
import { formatPlatform } from '../../oci/platform.ts'
import { familiarReference, parseReference } from '../../oci/reference.ts'
import { exactArgs } from '../argument-rule.ts'
import { type Command, defineCommand } from '../command.ts'
import { embeddedDriver } from '../embedded.ts'

interface ImageRow {
  readonly name: string
  readonly digest: string
  readonly platforms: readonly string[]
  /** Bytes of all its blobs. */
  readonly size: number
  /** Milliseconds since 1970. */
  readonly updated: number
}

/** `image ls`: the images of the local store. */
export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  args: exactArgs(0),
  hidesBuilder: true,
  flags(set) {
    const format = set.string('format', { usage: 'How to show them ("table", "json")', initial: 'table' })
    return () => ({ format: format.value })
  },
  async run({ host, flags }) {
    await using driver = await embeddedDriver(host)
    const rows = await imageRows(await driver.engine())
    if (flags.format === 'json') {
      for (const row of rows) host.stdout.write(`${JSON.stringify(row)}\n`)
      return
    }
    const lines = rows.map(row => [
      familiarName(row.name),
      row.digest.slice('sha256:'.length, 'sha256:'.length + 12),
      row.platforms.join(', '),
      humanSize(row.size),
      `${humanDuration(host.now() - row.updated)} ago`,
    ])
    const table = [['NAME', 'DIGEST', 'PLATFORMS', 'SIZE', 'UPDATED'], ...lines]
      .map(cells => cells.join('\t'))
      .join('\n')
    host.stdout.write(`${tabulate(table, { padding: 3 })}\n`)
  },
})

function familiarName(name: string): string {
  return name.startsWith('slipway.local/') ? '<none>' : familiarReference(parseReference(name))
}

async function imageRows({ state }: LocalEngine): Promise<readonly ImageRow[]> {
  const { readImage } = await import('../../engine/stored-image.ts')
  const rows: ImageRow[] = []
  for (const image of state.images.list()) {
    const whole = await readImage(image.descriptor, state.content)
    const blobs = new Map<string, number>()
    for (const manifest of whole.manifests) {
      for (const one of [
        manifest.descriptor,
        manifest.config,
        ...manifest.layers.map(layer => layer.descriptor),
      ])
        blobs.set(one.digest, one.size)
    }
    rows.push({
      name: image.reference,
      digest: image.descriptor.digest,
      platforms: whole.manifests.flatMap(({ platform }) =>
        platform === undefined || platform.os === 'unknown' ? [] : [formatPlatform(platform)],
      ),
      size: [...blobs.values()].reduce((sum, size) => sum + size, 0),
      updated: image.updatedAt,
    })
  }
  return rows
}
