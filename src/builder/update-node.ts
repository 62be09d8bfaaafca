import { SlipwayError } from '../errors/slipway-error.ts'
import type { Platform } from '../oci/descriptor.ts'
import { formatPlatform } from '../oci/platform.ts'
import { checkBuilderName } from './builder-name.ts'
import type { NodeGroup, StoredNode } from './node-group.ts'

/** What `create` says about one node; `undefined` leaves what was there. */
export interface NodeChange {
  /** Empty: the first free name. */
  readonly name: string
  readonly endpoint: string
  /** The endpoint was chosen, so that an existing node moves there. */
  readonly endpointGiven: boolean
  readonly platforms: readonly Platform[]
  readonly append: boolean
  readonly flags: readonly string[] | undefined
  readonly files: Readonly<Record<string, Uint8Array>> | undefined
  readonly driverOpts: Readonly<Record<string, string>> | undefined
}

/** The builder after a change. */
export interface UpdatedGroup {
  readonly group: NodeGroup
  /** A node that may be running already has other settings now. */
  readonly needsRestart: boolean
}

/**
 * Adds a node, or changes the one of that name. Throws `invalid-argument` in buildx's words.
 * Source: https://github.com/docker/buildx/blob/v0.36.1/store/nodegroup.go
 */
export function updateNode(group: NodeGroup, change: NodeChange): UpdatedGroup {
  if (group.dynamic) throw invalid('dynamic node group does not support Update')
  const at = group.nodes.findIndex(node => node.name === change.name)
  if (at < 0 && !change.append && group.nodes.length > 0) {
    throw invalid(`node ${change.name} not found, did you mean to append?`)
  }
  const known = group.nodes[at]
  if (known !== undefined) {
    const nodes = group.nodes.with(at, changed(known, change))
    const needsRestart =
      change.endpointGiven ||
      change.flags !== undefined ||
      change.driverOpts !== undefined ||
      change.files !== undefined
    return { group: { ...group, nodes: withoutDuplicates(nodes, change.endpoint, at) }, needsRestart }
  }
  const name = checkBuilderName(change.name === '' ? nextNodeName(group) : change.name)
  const { endpoint, flags, files, driverOpts } = change
  const node: StoredNode = {
    name,
    endpoint,
    ...(change.platforms.length === 0 ? {} : { platforms: change.platforms }),
    ...(driverOpts === undefined ? {} : { driverOpts }),
    ...(flags === undefined ? {} : { flags }),
    ...(files === undefined ? {} : { files }),
  }
  const nodes = [...group.nodes, node]
  return {
    group: { ...group, nodes: withoutDuplicates(nodes, endpoint, nodes.length - 1) },
    needsRestart: false,
  }
}

/** Takes a node out. Throws `invalid-argument`, `not-found`. */
export function leaveNode(group: NodeGroup, name: string): NodeGroup {
  if (group.dynamic) throw invalid('dynamic node group does not support Leave')
  if (!group.nodes.some(node => node.name === name)) {
    throw new SlipwayError('not-found', `node ${JSON.stringify(name)} not found for ${group.name}`)
  }
  if (group.nodes.length === 1) {
    throw invalid('can not leave last node, do you want to rm instance instead?')
  }
  return { ...group, nodes: group.nodes.filter(node => node.name !== name) }
}

function changed(node: StoredNode, change: NodeChange): StoredNode {
  return {
    ...node,
    ...(change.endpointGiven ? { endpoint: change.endpoint } : {}),
    ...(change.platforms.length === 0 ? {} : { platforms: change.platforms }),
    ...(change.flags === undefined ? {} : { flags: change.flags }),
    ...(change.driverOpts === undefined ? {} : { driverOpts: change.driverOpts }),
    ...(change.files === undefined ? {} : { files: { ...node.files, ...change.files } }),
  }
}

/** What the node at `at` has fixed is no longer fixed on others; its endpoint may be in use only once. */
function withoutDuplicates(nodes: readonly StoredNode[], endpoint: string, at: number): StoredNode[] {
  if (nodes.filter(node => node.endpoint === endpoint).length > 1) {
    throw invalid(`invalid duplicate endpoint ${endpoint}`)
  }
  const taken = new Set((nodes[at]?.platforms ?? []).map(formatPlatform))
  return nodes.map((node, i) =>
    i === at
      ? node
      : { ...node, platforms: (node.platforms ?? []).filter(p => !taken.has(formatPlatform(p))) },
  )
}

function nextNodeName(group: NodeGroup): string {
  for (let i = 0; ; i++) {
    const name = `${group.name}${i}`
    if (!group.nodes.some(node => node.name === name)) return name
  }
}

const invalid = (message: string): SlipwayError => new SlipwayError('invalid-argument', message)
