import type { Builder } from '../../builder/builder.ts'
import { type BuilderState, loadState, type NodeState } from '../../builder/node-state.ts'
import { listBuilders } from '../../builder/resolve-builder.ts'
import { formatGoTime, formatRfc3339 } from '../../gostd/time.ts'
import { formatPlatform } from '../../oci/platform.ts'
import { flagValues } from '../../gostd/pflag/flag-values.ts'
import { exactArgs } from '../argument-rule.ts'
import { openBuilderHost } from '../builder-host.ts'
import { builderJson } from '../builder-json.ts'
import { type Command, defineCommand } from '../command.ts'
import { type FormatRow, formatRows, isTableFormat } from '../format-rows.ts'
import { platformTexts, shortPlatforms } from '../platform-groups.ts'
import { timeoutFlag, withTimeout } from '../status-timeout.ts'

const defaultFormat = 'table {{.Name}}\t{{.DriverEndpoint}}\t{{.Status}}\t{{.Buildkit}}\t{{.Platforms}}'

const headers: Readonly<Record<string, string>> = {
  Name: 'NAME/NODE',
  DriverEndpoint: 'DRIVER/ENDPOINT',
  LastActivity: 'LAST ACTIVITY',
  Status: 'STATUS',
  Buildkit: 'BUILDKIT',
  Platforms: 'PLATFORMS',
  Error: 'ERROR',
}

/** Groups of platforms that a table shows. */
const mostGroups = 4

/** `ls`: builders and their nodes, with what they are now. */
export const command: Command = defineCommand({
  usage: '',
  args: exactArgs(0),
  hidesBuilder: true,
  flags: set => {
    const flags = {
      format: set.string('format', { usage: 'Format the list', initial: 'table' }),
      noTrunc: set.bool('no-trunc', { usage: 'Show all platforms' }),
      timeout: timeoutFlag(set),
    }
    return () => flagValues(flags)
  },
  async run({ host, flags, globals, signal }) {
    await using builderHost = openBuilderHost(host, globals)
    const { builders, current } = await listBuilders(builderHost, signal)
    const limit = withTimeout(signal, flags.timeout)
    const states = await Promise.all(builders.map(builder => loadState(builder, limit)))
    signal.throwIfAborted()
    const sorted = states.toSorted((a, b) => Number(broken(a.builder)) - Number(broken(b.builder)))
    const format = flags.format === 'table' ? defaultFormat : flags.format
    const isTable = isTableFormat(format)
    const view: View = { isTable, short: isTable && !flags.noTrunc, onlyBuilders: format === 'json' }
    const rows = sorted.flatMap(state => rowsOf(state, state.builder.name === current, view))
    host.stdout.write(formatRows(rows, { format, headers, type: '*commands.lsContext' }))
    const failures = isTable ? sorted.flatMap(failuresOf) : []
    if (failures.length > 0) host.stderr.write(`\n${failures.join('')}`)
  },
})

const broken = (builder: Builder): boolean => builder.error !== undefined

interface View {
  readonly isTable: boolean
  readonly short: boolean
  readonly onlyBuilders: boolean
}

function rowsOf(state: BuilderState, isCurrent: boolean, view: View): FormatRow[] {
  const { builder } = state
  const json = builderJson(state, isCurrent)
  const Builder = builderFields(state, isCurrent)
  const row: FormatRow = {
    json,
    fields: {
      Name: builder.name + (isCurrent && view.isTable ? '*' : ''),
      DriverEndpoint: builder.driverName,
      LastActivity: builder.lastActivity === undefined ? '' : formatRfc3339(builder.lastActivity),
      Status: broken(builder) ? 'error' : '',
      Buildkit: '',
      Platforms: '',
      Error: builder.error?.message ?? '',
      Builder,
    },
  }
  if (broken(builder) || view.onlyBuilders) return [row]
  return [row, ...state.nodes.map(node => ({ json, fields: { ...nodeFields(node, view), Builder } }))]
}

/** The builder itself, for templates: `{{.Builder.Name}}`, `{{range .Builder.Nodes}}`. */
function builderFields({ builder, nodes, dynamic }: BuilderState, isCurrent: boolean): object {
  const { lastActivity, error } = builder
  return {
    Name: builder.name,
    Driver: builder.driverName,
    Dynamic: dynamic || builder.dynamic,
    DockerContext: builder.isContext,
    LastActivity: lastActivity === undefined ? '0001-01-01 00:00:00 +0000 UTC' : formatGoTime(lastActivity),
    Current: isCurrent,
    Inactive: !nodes.some(node => node.status === 'running'),
    Err: error?.message ?? null,
    Nodes:
      error === undefined ? nodes.map(templateNode) : builder.nodes.map(() => ({ Name: '', Endpoint: '' })),
  }
}

function templateNode(state: NodeState): object {
  const { node, version, ids, labels, error } = state
  const { driverOpts = {}, flags = [] } = node.stored
  return {
    Name: node.name,
    Endpoint: node.endpoint,
    DriverOpts: new Map(Object.entries(driverOpts)),
    BuildkitdFlags: flags,
    Version: version,
    IDs: ids,
    Labels: new Map(Object.entries(labels)),
    Platforms: state.platforms.map(formatPlatform),
    Err: error?.message ?? null,
  }
}

function nodeFields(state: NodeState, { isTable, short }: View): Readonly<Record<string, unknown>> {
  const { node, error } = state
  const indent = isTable ? ' \\_ ' : ''
  const texts = platformTexts(node.platforms, state.platforms)
  return {
    Name: indent + node.name,
    DriverEndpoint: indent + node.endpoint,
    LastActivity: '',
    Status: error === undefined ? (state.status ?? '') : 'error',
    Buildkit: state.version,
    Platforms: short ? shortPlatforms(texts, mostGroups) : texts.join(', '),
    Error: error?.message ?? '',
  }
}

function failuresOf({ builder, nodes }: BuilderState): string[] {
  const { name, error = builder.standsInFor } = builder
  if (error !== undefined) return [`Cannot load builder ${name}: ${error.message.trim()}\n`]
  return nodes.flatMap(state =>
    state.error === undefined
      ? []
      : [`Failed to get status for ${name} (${state.node.name}): ${state.error.message.trim()}\n`],
  )
}
