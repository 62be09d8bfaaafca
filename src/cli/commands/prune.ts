import type { Builder } from '../../builder/builder.ts'
import { resolveBuilder } from '../../builder/resolve-builder.ts'
import { pruneCache, supportsFreeSpaceFilter, type UsageRecord } from '../../buildkit/client/daemon.ts'
import { readDockerContexts } from '../../drivers/docker/docker-contexts.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { humanSize } from '../../gostd/byte-units.ts'
import { tabulate } from '../../gostd/tabwriter.ts'
import { flagValues } from '../../gostd/pflag/flag-values.ts'
import { formatGoTime } from '../../gostd/time.ts'
import { noArgs } from '../argument-rule.ts'
import { openBuilderHost } from '../builder-host.ts'
import { cacheFilter, filterType, withConfiguredFilters } from '../cache-filters.ts'
import { lastUsed } from '../cache-records.ts'
import { type Command, defineCommand } from '../command.ts'
import { onNodes } from '../on-nodes.ts'
import { confirm } from '../prompt.ts'
import { timeoutFlag, withTimeout } from '../status-timeout.ts'
import { bytesType } from './value-types.ts'

const question = (all: boolean): string =>
  `WARNING! This will remove all ${all ? '' : 'dangling '}build cache. Are you sure you want to continue?`

/** `prune`: removes build cache. */
export const command: Command = defineCommand({
  usage: '',
  args: noArgs,
  flags: set => {
    const reserved = set.add('reserved-space', bytesType, { usage: 'Space that cache may always keep' })
    const old = set.add('keep-storage', bytesType, {
      usage: 'Space that cache may keep',
      deprecated: 'keep-storage flag has been changed to reserved-space',
      hidden: true,
    })
    const flags = {
      all: set.bool('all', { shorthand: 'a', usage: 'Also remove internal and frontend images' }),
      filter: set.add('filter', filterType, { usage: 'Remove only what matches' }),
      force: set.bool('force', { shorthand: 'f', usage: 'Do not ask' }),
      maxUsedSpace: set.add('max-used-space', bytesType, { usage: 'Space that cache may take at most' }),
      minFreeSpace: set.add('min-free-space', bytesType, { usage: 'Free space of the disk to aim at' }),
      timeout: timeoutFlag(set),
      verbose: set.bool('verbose', { usage: 'Show records in full' }),
    }
    return () => ({ ...flagValues(flags), reservedSpace: reserved.changed ? reserved.value : old.value })
  },
  async run({ host, flags, globals, signal }) {
    const { pruneFilters = [] } = readDockerContexts({ ...globals.docker, env: host.env }).config
    const { filter, keepDuration } = cacheFilter(withConfiguredFilters(flags.filter, pruneFilters))
    await using builderHost = openBuilderHost(host, globals)
    const resolve = (): Promise<Builder> =>
      resolveBuilder(builderHost, globals.builder, { signal, validate: true })
    // As an ordinary user the command may have to begin anew, with its standard input untouched.
    const known = host.uid === 0 ? undefined : await resolve()
    if (!flags.force && !(await confirm(host, question(flags.all), signal))) return
    const builder = known ?? (await resolve())
    let total = 0
    let isFirst = true
    const show = (record: UsageRecord): void => {
      total += record.size
      if (flags.verbose) {
        host.stdout.write(verboseText(record, host.now()))
        return
      }
      // What is removed is shown at once, before later lines are known: only the first is aligned with the header.
      const header = isFirst ? 'ID\tRECLAIMABLE\tSIZE\tLAST ACCESSED\n' : ''
      isFirst = false
      host.stdout.write(aligned(header + recordLine(record, host.now())))
    }
    const limits = flags.maxUsedSpace !== 0 || flags.minFreeSpace !== 0
    const rule = {
      all: flags.all,
      filter,
      keepDuration,
      reservedSpace: BigInt(flags.reservedSpace),
      maxUsedSpace: BigInt(flags.maxUsedSpace),
      minFreeSpace: BigInt(flags.minFreeSpace),
    }
    await onNodes(builder, withTimeout(signal, flags.timeout), async connection => {
      if (limits && !(await supportsFreeSpaceFilter(connection, signal))) {
        throw new SlipwayError(
          'unimplemented',
          'buildkit v0.17.0+ is required for max-used-space and min-free-space filters',
        )
      }
      for await (const record of pruneCache(connection, rule, signal)) show(record)
    })
    host.stdout.write(`Total:\t${humanSize(total)}\n`)
  },
})

const aligned = (text: string): string => tabulate(text, { minWidth: 1, tabs: true })

function recordLine(record: UsageRecord, now: number): string {
  const id = record.id + (record.mutable ? '*' : '')
  const size = humanSize(record.size) + (record.shared ? '*' : '')
  const last = lastUsed(record, now)
  return `${id.padEnd(40)}\t${String(!record.inUse).padEnd(5)}\t${size.padEnd(10)}\t${last}\n`
}

function verboseText(record: UsageRecord, now: number): string {
  const pairs: [string, string][] = [
    ['ID', record.id],
    ...(record.parents.length > 0 ? ([['Parent', record.parents.join(',')]] as [string, string][]) : []),
    ['Created at', formatGoTime(record.createdAt)],
    ['Mutable', String(record.mutable)],
    ['Reclaimable', String(!record.inUse)],
    ['Shared', String(record.shared)],
    ['Size', humanSize(record.size)],
  ]
  if (record.description !== '') pairs.push(['Description', record.description])
  pairs.push(['Usage count', String(record.usageCount)])
  const last = lastUsed(record, now)
  if (last !== '') pairs.push(['Last used', last])
  if (record.type !== '') pairs.push(['Type', record.type])
  return `${aligned(pairs.map(([key, value]) => `${key}:\t${value}\n`).join(''))}\n`
}
