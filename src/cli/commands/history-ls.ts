import { spawn } from 'node:child_process'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { humanDuration } from '../../gostd/human-duration.ts'
import { flagValues } from '../../gostd/pflag/flag-values.ts'
import { formatMoment } from '../../gostd/time.ts'
import { noArgs } from '../argument-rule.ts'
import { type Command, defineCommand } from '../command.ts'
import { type FormatRow, formatRows, isTableFormat } from '../format-rows.ts'
import { buildName } from '../history/build-name.ts'
import type { Moment } from '../history/inspect-record.ts'
import { type FoundRecord, openHistory, queryRecords } from '../history/query-records.ts'
import { historyFilters } from '../history/record-filters.ts'
import { shortDuration } from '../history/short-duration.ts'
import type { Host } from '../host.ts'

const tableFormat = 'table {{.Ref}}\t{{.Name}}\t{{.Status}}\t{{.CreatedAt}}\t{{.Duration}}\t{{.Link}}'

const headers: Readonly<Record<string, string>> = {
  Ref: 'BUILD ID',
  Name: 'NAME',
  Status: 'STATUS',
  CreatedAt: 'CREATED AT',
  Duration: 'DURATION',
  Link: '',
}

/** Characters of a name that a table shows. */
const mostName = 36

/** `history ls`: builds that run and records of those that have ended. */
export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: set => {
    const flags = {
      format: set.string('format', { usage: 'Format the list', initial: 'table' }),
      noTrunc: set.bool('no-trunc', { usage: 'Show whole names' }),
      filter: set.stringArray('filter', { usage: 'Show only what matches (e.g., "status=error")' }),
      local: set.bool('local', { usage: 'Only builds of the current repository' }),
    }
    return () => flagValues(flags)
  },
  async run(context) {
    const { host, flags, signal } = context
    const own = flags.local ? [`repository=${await remoteUrl(host, signal)}`] : []
    const filters = historyFilters([...own, ...flags.filter])
    await using history = await openHistory(context)
    const records = await queryRecords(history, { filters }, signal)
    const format = flags.format === 'table' ? tableFormat : flags.format
    const cut = isTableFormat(format) && !flags.noTrunc
    const sorted = records.toSorted(
      (a, b) => Number(a.completedMs !== undefined) - Number(b.completedMs !== undefined),
    )
    const now = host.now()
    host.stdout.write(
      formatRows(
        sorted.map(found => rowOf(found, { cut, now, isTable: isTableFormat(format) })),
        { format, headers, type: '*history.lsContext' },
      ),
    )
  },
})

function rowOf(found: FoundRecord, view: { cut: boolean; now: number; isTable: boolean }): FormatRow {
  const { record, builder, node, state, createdMs, completedMs } = found
  const name = buildName(record.FrontendAttrs, state)
  const ref = `${builder}/${node.name}/${record.Ref}`
  const status = completedMs === undefined ? 'Running' : record.error === undefined ? 'Completed' : 'Error'
  const took = shortDuration((completedMs ?? found.nowMs) - createdMs)
  return {
    json: {
      cached_steps: record.numCachedSteps,
      completed_at: momentText(record.CompletedAt),
      completed_steps: record.numCompletedSteps,
      created_at: momentText(record.CreatedAt),
      name,
      ref,
      status,
      total_steps: record.numTotalSteps,
    },
    fields: {
      Ref: record.Ref,
      FullRef: ref,
      Name: view.cut && name.length > mostName ? `..${name.slice(name.length - mostName + 2)}` : name,
      Status: status,
      CreatedAt: `${humanDuration(view.now - createdMs)} ago`,
      Duration: completedMs === undefined ? `${took}+` : took,
      Link: view.isTable ? '' : `docker-desktop://dashboard/build/${ref}`,
    },
  }
}

const momentText = (moment: Moment | undefined): string | undefined =>
  moment === undefined ? undefined : formatMoment(moment.seconds, moment.nanos)

/** Where the repository around the working directory came from. */
async function remoteUrl(host: Host, signal: AbortSignal): Promise<string> {
  const ask = (args: readonly string[]): Promise<string> =>
    new Promise(resolve => {
      const child = spawn('git', args, {
        cwd: host.cwd,
        env: { ...host.env },
        signal,
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      let text = ''
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString('utf8')
      })
      child.on('error', () => resolve(''))
      child.on('close', code => resolve(code === 0 ? text.trim() : ''))
    })
  for (const name of ['origin', 'upstream']) {
    const url = await ask(['remote', 'get-url', name])
    if (url !== '') return url
  }
  throw new SlipwayError(
    'not-found',
    'could not get remote URL for local filter: no remote URL found for either origin or upstream',
    {
      hint: 'run the command in a git repository with a remote named origin',
    },
  )
}
