import type { BuilderState, NodeState } from '../builder/node-state.ts'
import { type JsonValue, sortKeys } from '../gostd/json.ts'
import { formatRfc3339 } from '../gostd/time.ts'
import { formatPlatform } from '../oci/platform.ts'

/** A builder as `ls --format json` shows it. Keys: https://github.com/docker/buildx/blob/v0.36.1/builder/builder.go */
export function builderJson({ builder, nodes, dynamic }: BuilderState, current: boolean): JsonValue {
  const { error } = builder
  return sortKeys({
    Name: builder.name,
    Driver: builder.driverName,
    LastActivity:
      builder.lastActivity === undefined ? '0001-01-01T00:00:00Z' : formatRfc3339(builder.lastActivity),
    Dynamic: dynamic || builder.dynamic,
    Nodes: error === undefined ? nodes.map(nodeJson) : [{ Name: '', Endpoint: '' }],
    Err: error === undefined ? undefined : error.message.trim(),
    Current: current,
  })
}

function nodeJson(state: NodeState): JsonValue {
  const { node, error } = state
  const { stored } = node
  return {
    Name: node.name,
    Endpoint: node.endpoint,
    Flags: filled(stored.flags),
    DriverOpts: filledMap(stored.driverOpts),
    Files: filledMap(stored.files),
    Status: error === undefined ? state.status : 'error',
    ProxyConfig: filledMap(node.proxy),
    Version: state.version === '' ? undefined : state.version,
    Err: error === undefined ? undefined : error.message.trim(),
    IDs: filled(state.ids),
    Platforms: filled(state.platforms.map(formatPlatform)),
    GCPolicy: filled(
      state.gcPolicy.map(rule => ({
        all: rule.all,
        filter: rule.filters.length === 0 ? null : rule.filters,
        keepDuration: rule.keepDuration,
        maxUsedSpace: rule.maxUsedSpace,
        minFreeSpace: rule.minFreeSpace,
        reservedSpace: rule.reservedSpace,
      })),
    ),
    Labels: filledMap(state.labels),
  }
}

const filled = <T extends JsonValue>(list: readonly T[] | undefined): readonly T[] | undefined =>
  list === undefined || list.length === 0 ? undefined : list

const filledMap = (map: Readonly<Record<string, JsonValue>> | undefined): JsonValue =>
  map === undefined || Object.keys(map).length === 0 ? undefined : map
