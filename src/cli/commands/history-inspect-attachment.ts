import { historyBlobSize, readHistoryBlob } from '../../buildkit/client/history.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { flagValues } from '../../gostd/pflag/flag-values.ts'
import { quote } from '../../gostd/quote.ts'
import { isDigest } from '../../oci/digest.ts'
import { maxWords } from '../argument-rule.ts'
import { type Command, defineCommand } from '../command.ts'
import { attachmentsOf } from '../history/attachments.ts'
import { oneRecord, openHistory } from '../history/query-records.ts'

/** Short words for types. */
const types: Readonly<Record<string, readonly string[]>> = {
  index: ['application/vnd.oci.image.index.v1+json'],
  manifest: ['application/vnd.oci.image.manifest.v1+json'],
  image: ['application/vnd.oci.image.config.v1+json'],
  provenance: ['https://slsa.dev/provenance/v1', 'https://slsa.dev/provenance/v0.2'],
  sbom: ['https://spdx.dev/Document'],
}

/** `history inspect attachment`: a document of a build, as it is. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] [REF [DIGEST]]',
  args: maxWords(2),
  flags: set => {
    const flags = {
      type: set.string('type', { usage: 'Type of attachment' }),
      platform: set.string('platform', { usage: 'Platform of attachment' }),
    }
    return () => flagValues(flags)
  },
  async run(context) {
    const { host, flags, args, signal } = context
    const [ref = '', digest = ''] = args
    if (digest !== '' && !isDigest(digest)) {
      throw new SlipwayError('invalid-argument', `invalid digest ${quote(digest)}: ${problemOf(digest)}`)
    }
    if (digest === '' && flags.platform === '' && flags.type === '') {
      throw new SlipwayError(
        'invalid-argument',
        'at least one of --type, --platform or DIGEST must be specified',
      )
    }
    await using history = await openHistory(context)
    const found = await oneRecord(history, { ref }, signal)
    const { connection } = found
    if (digest !== '') {
      const size = await historyBlobSize(connection, digest, signal)
      host.stdout.write(await readHistoryBlob(connection, { digest, size }, signal))
      return
    }
    const wanted = types[flags.type] ?? [flags.type]
    const match = (await attachmentsOf(found, signal)).find(
      one =>
        (flags.platform === '' || one.platform === flags.platform) &&
        (flags.type === '' || wanted.includes(one.type)),
    )
    if (match === undefined) {
      throw new SlipwayError('not-found', `no matching attachment found for ref ${JSON.stringify(ref)}`)
    }
    host.stdout.write(await readHistoryBlob(connection, match, signal))
  },
})

/** What is wrong with a digest, as Go's library of digests has it. */
function problemOf(digest: string): string {
  const [, algorithm = '', hex = ''] =
    /^([a-z0-9]+(?:[.+_-][a-z0-9]+)*):([a-zA-Z0-9=_-]+)$/.exec(digest) ?? []
  const length = Object.hasOwn(digestLengths, algorithm) ? digestLengths[algorithm] : undefined
  if (hex !== '' && length === undefined) return 'unsupported digest algorithm'
  return hex !== '' && hex.length !== length
    ? 'invalid checksum digest length'
    : 'invalid checksum digest format'
}

const digestLengths: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 }
