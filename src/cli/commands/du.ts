import { resolveBuilder } from '../../builder/resolve-builder.ts'
import { diskUsage } from '../../buildkit/client/daemon.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { flagValues } from '../../gostd/pflag/flag-values.ts'
import { onNodes } from '../on-nodes.ts'
import { noArgs } from '../argument-rule.ts'
import { openBuilderHost } from '../builder-host.ts'
import { cacheFilter, filterType } from '../cache-filters.ts'
import { recordHeaders, recordRow, recordSummary } from '../cache-records.ts'
import { type Command, defineCommand } from '../command.ts'
import { formatRows, isTableFormat } from '../format-rows.ts'
import { timeoutFlag, withTimeout } from '../status-timeout.ts'

const tableFormat = 'table {{.ID}}\t{{.Reclaimable}}\t{{.Size}}\t{{.LastUsedAt}}'

const prettyFormat = `ID:           {{.ID}}
{{- if .Parents }}
Parents:
{{- range .Parents }}
 - {{.}}
{{- end }}
{{- end }}
Created at:   {{.CreatedAt}}
Mutable:      {{.Mutable}}
Reclaimable:  {{.Reclaimable}}
Shared:       {{.Shared}}
Size:         {{.Size}}
{{- if .Description}}
Description:  {{ .Description }}
{{- end }}
Usage count:  {{.UsageCount}}
{{- if .LastUsedAt}}
Last used:    {{ .LastUsedAt }}
{{- end }}
{{- if .Type}}
Type:         {{ .Type }}
{{- end }}
`

/** `du`: what the build cache takes. */
export const command: Command = defineCommand({
  usage: '',
  args: noArgs,
  flags: set => {
    const flags = {
      filter: set.add('filter', filterType, { usage: 'Show only what matches' }),
      format: set.string('format', { usage: 'Format the list' }),
      timeout: timeoutFlag(set),
      verbose: set.bool('verbose', { usage: 'Short for "--format=pretty"' }),
    }
    return () => flagValues(flags)
  },
  async run({ host, flags, globals, signal }) {
    if (flags.format !== '' && flags.verbose) {
      throw new SlipwayError('invalid-argument', '--format and --verbose cannot be used together')
    }
    const format = formatOf(flags.format, flags.verbose)
    const { filter } = cacheFilter(flags.filter)
    await using builderHost = openBuilderHost(host, globals)
    const builder = await resolveBuilder(builderHost, globals.builder, { signal, validate: true })
    const limit = withTimeout(signal, flags.timeout)
    const records = await onNodes(builder, limit, connection => diskUsage(connection, filter, signal))
    const all = records.flat()
    const isTable = isTableFormat(format)
    const now = host.now()
    const rows = all.map(record => recordRow(record, isTable, now))
    const text = formatRows(rows, { format, headers: recordHeaders, type: '*commands.diskusageContext' })
    host.stdout.write(text)
    const isUsual = format === tableFormat || format === prettyFormat
    if (isUsual && flags.filter.size === 0) host.stdout.write(recordSummary(all))
  },
})

function formatOf(given: string, verbose: boolean): string {
  if (given === '') return verbose ? prettyFormat : tableFormat
  return given === 'pretty' ? prettyFormat : given === 'table' ? tableFormat : given
}
