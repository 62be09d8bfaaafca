import { bootNodes } from '../../builder/boot-nodes.ts'
import type { Builder } from '../../builder/builder.ts'
import { type BuilderState, loadState, type NodeState } from '../../builder/node-state.ts'
import { resolveBuilder } from '../../builder/resolve-builder.ts'
import type { DriverFeatures } from '../../drivers/driver.ts'
import { bytesSize } from '../../gostd/byte-units.ts'
import { formatDuration } from '../../gostd/duration.ts'
import { flagValues } from '../../gostd/pflag/flag-values.ts'
import { quote } from '../../gostd/quote.ts'
import { tabulate } from '../../gostd/tabwriter.ts'
import { formatGoTime } from '../../gostd/time.ts'
import { maxArgs } from '../argument-rule.ts'
import { openBuilderHost } from '../builder-host.ts'
import { builderJson } from '../builder-json.ts'
import { type Command, type CommandContext, defineCommand } from '../command.ts'
import { formatRows } from '../format-rows.ts'
import { openProgress } from '../open-progress.ts'
import { platformTexts } from '../platform-groups.ts'
import { timeoutFlag, withTimeout } from '../status-timeout.ts'

/** `inspect`: one builder in full. */
export const command: Command = defineCommand({
  usage: '[NAME]',
  args: maxArgs(1),
  flags: set => {
    const flags = {
      bootstrap: set.bool('bootstrap', { usage: 'Start the builder first' }),
      format: set.string('format', { usage: 'Format the answer ("json", or a Go template)' }),
      timeout: timeoutFlag(set),
    }
    return () => flagValues(flags)
  },
  async run(context) {
    const { host, flags, globals, args, signal } = context
    await using builderHost = openBuilderHost(host, globals)
    const builder = await resolveBuilder(builderHost, args[0] ?? globals.builder, {
      signal,
      acceptsBroken: true,
    })
    if (flags.bootstrap) await boot(builder, context)
    const state = await loadState(builder, withTimeout(signal, flags.timeout))
    signal.throwIfAborted()
    if (flags.format !== '') {
      const json = builderJson(state, false)
      const fields = Object.fromEntries(json instanceof Map ? json : Object.entries(json as object))
      const format = { format: flags.format, headers: {}, type: '*builder.Builder' }
      host.stdout.write(formatRows([{ json, fields }], format))
      return
    }
    const features = globals.debug ? await featuresOf(state, signal) : new Map<NodeState, DriverFeatures>()
    host.stdout.write(tabulate(describe(state, features).join('')))
  },
})

async function boot(builder: Builder, { host, signal }: CommandContext): Promise<void> {
  const progress = await openProgress(host, { progress: 'auto' })
  try {
    await bootNodes(builder.nodes, progress.write, signal)
  } finally {
    await progress[Symbol.asyncDispose]()
  }
}

async function featuresOf(state: BuilderState, signal: AbortSignal): Promise<Map<NodeState, DriverFeatures>> {
  const found = new Map<NodeState, DriverFeatures>()
  for (const node of state.nodes) {
    const features = await node.node.driver?.features(signal).catch(() => undefined)
    if (features !== undefined) found.set(node, features)
  }
  return found
}

function describe(state: BuilderState, features: ReadonlyMap<NodeState, DriverFeatures>): string[] {
  const { builder, nodes } = state
  const lines = [`Name:\t${builder.name}\n`, `Driver:\t${builder.driverName}\n`]
  if (builder.lastActivity !== undefined)
    lines.push(`Last Activity:\t${formatGoTime(builder.lastActivity)}\n`)
  if (builder.error !== undefined) return [...lines, `Error:\t${builder.error.message}\n`]
  lines.push('\n', 'Nodes:\n')
  for (const [i, node] of nodes.entries()) {
    if (i > 0) lines.push('\n')
    lines.push(...describeNode(node, features.get(node)))
  }
  return lines
}

function describeNode(state: NodeState, features: DriverFeatures | undefined): string[] {
  const { node, error } = state
  const { driverOpts = {}, flags = [], files = {} } = node.stored
  const lines = [`Name:\t${node.name}\n`, `Endpoint:\t${node.endpoint}\n`]
  const options = sorted(driverOpts).map(([key, value]) => `${key}=${quote(value)}`)
  if (options.length > 0) lines.push(`Driver Options:\t${options.join(' ')}\n`)
  if (error !== undefined) return [...lines, `Error:\t${error.message}\n`]
  lines.push(`Status:\t${state.status ?? ''}\n`)
  if (flags.length > 0) lines.push(`BuildKit daemon flags:\t${flags.join(' ')}\n`)
  if (state.version !== '') lines.push(`BuildKit version:\t${state.version}\n`)
  const platforms = platformTexts(node.platforms, state.platforms)
  if (platforms.length > 0) lines.push(`Platforms:\t${platforms.join(', ')}\n`)
  if (features !== undefined) lines.push('Features:\n', ...featureLines(features))
  if (Object.keys(state.labels).length > 0) {
    lines.push('Labels:\n', ...sorted(state.labels).map(([key, value]) => `\t${key}:\t${value}\n`))
  }
  lines.push(...deviceLines(state), ...policyLines(state))
  for (const [name, content] of sorted(files)) {
    lines.push(`File#${name}:\n`)
    for (const line of Buffer.from(content).toString('utf8').split('\n')) lines.push(`\t> ${line}\n`)
  }
  return lines
}

function featureLines(features: DriverFeatures): string[] {
  const names: readonly (readonly [string, boolean | undefined])[] = [
    ['Automatically load images to the Docker Engine image store', features.defaultLoad],
    ['Cache export', features.cacheExport],
    ['Direct push', features.directPush ?? true],
    ['Docker exporter', features.dockerExporter],
    ['Multi-platform build', features.multiPlatform],
    ['OCI exporter', features.ociExporter],
    ...(features.prefersImageDigest === undefined
      ? []
      : ([['Prefer image digest', features.prefersImageDigest]] as const)),
  ]
  return names.map(([name, has]) => `\t${name}:\t${has === true}\n`)
}

function deviceLines({ devices }: NodeState): string[] {
  if (devices.length === 0) return []
  const lines = ['Devices:\n']
  for (const device of devices) {
    lines.push(`\tName:\t${device.name}\n`)
    if (device.onDemand) lines.push('\tOn-Demand:\ttrue\n')
    else lines.push(`\tAutomatically allowed:\t${device.autoAllow}\n`)
    const annotations = sorted(device.annotations)
    if (annotations.length > 0) lines.push('\tAnnotations:\n')
    for (const [key, value] of annotations) lines.push(`\t\t${key}:\t${value}\n`)
  }
  return lines
}

function policyLines({ gcPolicy }: NodeState): string[] {
  return gcPolicy.flatMap((rule, i) => [
    `GC Policy rule#${i}:\n`,
    `\tAll:\t${rule.all}\n`,
    ...(rule.filters.length > 0 ? [`\tFilters:\t${rule.filters.join(' ')}\n`] : []),
    ...(rule.keepDuration > 0n ? [`\tKeep Duration:\t${formatDuration(rule.keepDuration)}\n`] : []),
    ...(rule.reservedSpace > 0n ? [`\tReserved Space:\t${bytesSize(rule.reservedSpace)}\n`] : []),
    ...(rule.maxUsedSpace > 0n ? [`\tMax Used Space:\t${bytesSize(rule.maxUsedSpace)}\n`] : []),
    ...(rule.minFreeSpace > 0n ? [`\tMin Free Space:\t${bytesSize(rule.minFreeSpace)}\n`] : []),
  ])
}

const sorted = <T>(map: Readonly<Record<string, T>>): [string, T][] =>
  Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1))
