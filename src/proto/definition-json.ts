import { compareNames } from '../bytes/path-string.ts'
import type { JsonValue } from '../gostd/json.ts'
import type { Definition, OpMetadata } from './gen/ops_pb.ts'

/** What is told of a source file. */
export interface SourceInfo {
  readonly filename: string
  readonly language: string
  readonly data: Uint8Array
  readonly definition?: Definition | undefined
}

/** A source file in the form of Go's JSON of pb.SourceInfo. */
export function sourceFileJson(file: SourceInfo): JsonValue {
  return {
    filename: file.filename || undefined,
    data: file.data.length === 0 ? undefined : file.data,
    definition: file.definition === undefined ? undefined : definitionJson(file.definition),
    language: file.language || undefined,
  }
}

/** A definition in the form of Go's JSON of pb.Definition. */
export function definitionJson(definition: Definition): JsonValue {
  const metadata = Object.entries(definition.metadata).map(
    ([digest, m]) => [digest, metadataJson(m)] as const,
  )
  return {
    def: definition.def.length === 0 ? undefined : definition.def,
    metadata: metadata.length === 0 ? undefined : sortedMap(metadata),
    Source: definition.Source === undefined ? undefined : sourceJson(definition.Source),
  }
}

/** Metadata of an op; nothing is written for what is not set. */
export function metadataJson(metadata: OpMetadata): JsonValue {
  const { ignoreCache, description, exportCache, caps, progressGroup, linuxResources } = metadata
  return {
    ignore_cache: ignoreCache || undefined,
    description: textMap(description),
    export_cache: exportCache === undefined ? undefined : { Value: exportCache.Value || undefined },
    caps: textMap(caps),
    progress_group:
      progressGroup === undefined
        ? undefined
        : {
            id: progressGroup.id || undefined,
            name: progressGroup.name || undefined,
            weak: progressGroup.weak || undefined,
          },
    linux_resources: linuxResources === undefined ? undefined : resourcesJson(linuxResources),
  }
}

function textMap(map: Readonly<Record<string, string | boolean>>): JsonValue {
  return Object.keys(map).length === 0 ? undefined : sortedMap(Object.entries(map))
}

function resourcesJson(resources: NonNullable<OpMetadata['linuxResources']>): JsonValue {
  const { memory, memorySwap, cpuShares, cpuPeriod, cpuQuota, cpusetCpus, cpusetMems } = resources
  return {
    memory: memory || undefined,
    memorySwap: memorySwap || undefined,
    cpuShares: cpuShares || undefined,
    cpuPeriod: cpuPeriod || undefined,
    cpuQuota: cpuQuota || undefined,
    cpusetCpus: cpusetCpus || undefined,
    cpusetMems: cpusetMems || undefined,
  }
}

function sourceJson(source: NonNullable<Definition['Source']>): JsonValue {
  const locations = Object.entries(source.locations).map(
    ([digest, list]) =>
      [
        digest,
        {
          locations:
            list.locations.length === 0
              ? undefined
              : list.locations.map(({ sourceIndex, ranges }) => ({
                  sourceIndex: sourceIndex || undefined,
                  ranges: ranges.map(({ start, end }) => ({ start: position(start), end: position(end) })),
                })),
        },
      ] as const,
  )
  return {
    locations: locations.length === 0 ? undefined : sortedMap(locations),
    infos: source.infos.length === 0 ? undefined : source.infos.map(sourceFileJson),
  }
}

function position(at: { line: number; character: number } | undefined): JsonValue {
  return at === undefined ? undefined : { line: at.line || undefined, character: at.character || undefined }
}

/** A map as Go writes it: keys sorted by bytes, values as they are. */
export function sortedMap(
  entries: readonly (readonly [key: string, value: JsonValue])[],
): ReadonlyMap<string, JsonValue> {
  return new Map(entries.toSorted(([a], [b]) => compareNames(a, b)))
}
