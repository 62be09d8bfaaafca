import { SlipwayError } from '../errors/slipway-error.ts'
import { goJson, type JsonValue } from '../gostd/json.ts'
import { parsePlatformObject, platformJson } from '../oci/descriptor-json.ts'
import {
  type JsonObject,
  parseJson,
  readFlag,
  readList,
  readObject,
  readText,
  readTextMap,
  readTexts,
} from '../oci/json-reader.ts'
import { isBuilderName } from './builder-name.ts'
import type { NodeGroup, StoredNode } from './node-group.ts'

/**
 * The bytes of an instance file, those of Go's encoding/json.
 * Source: https://github.com/docker/buildx/blob/v0.36.1/store/nodegroup.go
 */
export function formatNodeGroup(group: NodeGroup): string {
  return goJson({
    Name: group.name,
    Driver: group.driver,
    Nodes: group.nodes.map(nodeJson),
    Dynamic: group.dynamic,
  })
}

function nodeJson(node: StoredNode): JsonValue {
  return {
    Name: node.name,
    Endpoint: node.endpoint,
    Platforms: node.platforms?.map(platformJson) ?? null,
    DriverOpts: sorted(node.driverOpts),
    Flags: node.flags ?? null,
    Files: sorted(node.files),
  }
}

function sorted(map: Readonly<Record<string, JsonValue>> | undefined): JsonValue {
  if (map === undefined) return null
  return Object.fromEntries(Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** Reads an instance file; `path` is for messages. Throws `invalid-argument`. */
export function parseNodeGroup(bytes: Uint8Array, path: string): NodeGroup {
  const hint = `remove ${path}, or repair it, then create the builder again`
  try {
    const object = readObject(parseJson(bytes, path), path)
    const name = readText(object, 'Name', path) ?? ''
    if (!isBuilderName(name)) throw new SlipwayError('invalid-argument', `${path} names no builder`)
    return {
      name,
      driver: readText(object, 'Driver', path) ?? '',
      nodes: (readList(object, 'Nodes', path, 10_000) ?? []).map((node, i) =>
        parseNode(node, `${path}: node ${i}`),
      ),
      dynamic: readFlag(object, 'Dynamic', path),
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new SlipwayError('invalid-argument', `invalid builder instance: ${why}`, { cause, hint })
  }
}

function parseNode(value: unknown, what: string): StoredNode {
  const object = readObject(value, what)
  const platforms = readList(object, 'Platforms', what, 10_000)?.flatMap(
    one => parsePlatformObject(one, what) ?? [],
  )
  const driverOpts = readTextMap(object, 'DriverOpts', what)
  const flags = readTexts(object, 'Flags', what)
  const files = parseFiles(object, what)
  return {
    name: readText(object, 'Name', what) ?? '',
    endpoint: readText(object, 'Endpoint', what) ?? '',
    ...(platforms === undefined ? {} : { platforms }),
    ...(driverOpts === undefined ? {} : { driverOpts }),
    ...(flags === undefined ? {} : { flags }),
    ...(files === undefined ? {} : { files }),
  }
}

function parseFiles(object: JsonObject, what: string): Record<string, Uint8Array> | undefined {
  const texts = readTextMap(object, 'Files', what)
  if (texts === undefined) return undefined
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [name, new Uint8Array(Buffer.from(text, 'base64'))]),
  )
}
