import { type JsonValue as WireJson, toJson } from '@bufbuild/protobuf'
import { goJson, type JsonValue } from '../../gostd/json.ts'
import type { Definition } from '../../llb/definition.ts'
import { decodeOp } from '../../llb/head.ts'
import { digestOf } from '../../oci/digest.ts'
import { OpSchema, SourceSchema } from '../../proto/gen/ops_pb.ts'
import { metadataJson, sortedMap } from '../../proto/definition-json.ts'
import { requests } from './request.ts'

/** The facts that answer `frontend.convertllb`: the ops by digest, their metadata, and the source map. */
export function llbFacts(definition: Definition): Record<string, string> {
  const ops = definition.def.map(
    bytes => [digestOf(bytes), plain(toJson(OpSchema, decodeOp(bytes)))] as const,
  )
  const metadata = Object.entries(definition.metadata).map(
    ([digest, m]) => [digest, metadataJson(m)] as const,
  )
  const json = {
    def: sortedMap(ops),
    metadata: sortedMap(metadata),
    source: definition.Source === undefined ? {} : plain(toJson(SourceSchema, definition.Source)),
  }
  return { 'result.json': goJson(json, { indent: '  ' }), version: requests.convertLlb.version }
}

function plain(value: WireJson): JsonValue {
  return value as JsonValue
}
