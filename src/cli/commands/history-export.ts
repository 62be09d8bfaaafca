import { resolve } from 'node:path'
import { compose, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { type BundledRecord, recordBundle } from '../../build/record-bundle.ts'
import { writeWholeFile } from '../../bytes/whole-file.ts'
import { finalizeHistory, readHistoryBlob } from '../../buildkit/client/history.ts'
import { openPlaces } from '../../builder/builder-host.ts'
import type { ConfigDir } from '../../builder/config-dir.ts'
import { readBuildGroup } from '../../builder/local-state.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { flagValues } from '../../gostd/pflag/flag-values.ts'
import { formatPlatformAll } from '../../oci/platform.ts'
import { anyArgs } from '../argument-rule.ts'
import { type Command, type CommandContext, defineCommand } from '../command.ts'
import {
  type FoundRecord,
  type HistoryNodes,
  oneRecord,
  openHistory,
  queryRecords,
} from '../history/query-records.ts'

interface ExportFlags {
  readonly output: string
  readonly all: boolean
  readonly finalize: boolean
}

/** `history export`: records with logs, traces and provenance as one file. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] [REF...]',
  args: anyArgs,
  flags: set => {
    const flags = {
      output: set.string('output', { shorthand: 'o', usage: 'Output file path' }),
      all: set.bool('all', { usage: 'Export all build records for the builder' }),
      finalize: set.bool('finalize', { usage: 'Ensure build records are finalized before exporting' }),
    }
    return () => flagValues(flags)
  },
  async run(context) {
    const { host, flags, args, signal } = context
    if (flags.all && args.length > 0)
      throw new SlipwayError('invalid-argument', 'cannot specify refs when using --all')
    if (flags.output === '' && host.stdout.isTTY) {
      throw new SlipwayError(
        'invalid-argument',
        'refusing to write to console, use --output to specify a file',
      )
    }
    await using history = await openHistory(context)
    const found = await wanted(history, context)
    const { dir } = openPlaces(history.host)
    const bundle = recordBundle(found.map(one => bundled(one, dir, signal)))
    if (flags.output === '') {
      await pipeline(bundle, createGzip(), host.stdout.stream, { end: false, signal })
      return
    }
    const zipped = compose(Readable.from(bundle, { objectMode: false }), createGzip())
    await writeWholeFile(resolve(host.cwd, flags.output), zipped, { signal })
  },
})

async function wanted(
  history: HistoryNodes,
  { flags, args, signal }: CommandContext<ExportFlags>,
): Promise<readonly FoundRecord[]> {
  const completedOnly = true
  const select = async (): Promise<readonly FoundRecord[]> => {
    if (!flags.all) {
      const refs = args.length === 0 ? [''] : args
      return await Promise.all(refs.map(ref => oneRecord(history, { ref, completedOnly }, signal)))
    }
    const all = await queryRecords(history, { completedOnly }, signal)
    if (all.length === 0) throw new SlipwayError('not-found', 'no records found')
    return all
  }
  const found = await select()
  const open = flags.finalize ? found.filter(one => one.record.trace === undefined) : []
  for (const { connection, record } of open) await finalizeHistory(connection, record.Ref, signal)
  return open.length === 0 ? found : await select()
}

function bundled(
  { record, node, state, connection }: FoundRecord,
  dir: ConfigDir,
  signal: AbortSignal,
): BundledRecord {
  const [platform] = node.platforms
  const local = state && {
    Target: state.target,
    LocalPath: state.localPath,
    DockerfilePath: state.dockerfilePath,
    GroupRef: state.groupRef,
  }
  const group = state?.groupRef === undefined ? undefined : readBuildGroup(dir, state.groupRef)
  return {
    record,
    defaultPlatform: platform === undefined ? '' : formatPlatformAll(platform),
    readBlob: descriptor => readHistoryBlob(connection, descriptor, signal),
    ...(local === undefined ? {} : { localState: local }),
    ...(group === undefined
      ? {}
      : {
          stateGroup: {
            Targets: group.targets.length === 0 ? undefined : [...group.targets],
            Refs: [...group.refs],
          },
        }),
  }
}
