import {
  create,
  createRegistry,
  type DescMessage,
  fromBinary,
  fromJson,
  ScalarType,
  toBinary,
  toJson,
} from '@bufbuild/protobuf'
import { codes, type ErrorCode } from '../../errors/codes.ts'
import type { ErrorDetail, SlipwayError } from '../../errors/slipway-error.ts'
import type { SourceRange } from '../../errors/source-range.ts'
import { DefinitionSchema } from '../../proto/gen/ops_pb.ts'
import { file_errdefs, type Source, SourceSchema } from '../../proto/gen/errdefs_pb.ts'
import { shortSource } from './short-source.ts'

/** One detail of an error on the wire: the name of a message without any URL before it, and its bytes. */
export interface WireDetail {
  readonly type: string
  readonly value: Uint8Array
}

/** What the details of a wire error say, in our terms. */
export interface DecodedDetails {
  readonly sources: readonly SourceRange[]
  readonly details: readonly ErrorDetail[]
  readonly code?: ErrorCode
  readonly hint?: string
  readonly exitCode?: number
}

/** Go's BuildKit marks the types of details whose bytes are JSON. */
const jsonSuffix = '+json'

/** The URL of a detail in a google.protobuf.Any: BuildKit registers its JSON types under the path of its module. */
export function detailUrl(type: string): string {
  return `${type.endsWith(jsonSuffix) ? 'github.com/moby/buildkit' : 'type.googleapis.com'}/${type}`
}

/** What has no place in BuildKit's messages travels as JSON under this name; other programs skip it. */
const ownType = 'slipway.Error'

/** A detail of another program that is passed on as it came: `name` and `json`. */
const passedOn = 'slipway.Passed'

const known = createRegistry(file_errdefs)

/**
 * The details of an error: errdefs messages as JSON, the form that every release of Go's BuildKit reads, and one of our own
 * with the code, the hint and the exit code.
 */
export function encodeDetails(error: SlipwayError): WireDetail[] {
  const out: WireDetail[] = []
  const others: ErrorDetail[] = []
  for (const source of error.sources) out.push(encode(SourceSchema, sourceMessage(source)))
  for (const detail of error.details) {
    const schema = known.getMessage(detail.type)
    const { type: _, ...fields } = detail
    if (detail.type === passedOn) {
      out.push({ type: String(detail['name']), value: new TextEncoder().encode(String(detail['json'])) })
      continue
    }
    if (schema === undefined) others.push(detail)
    else out.push(encode(schema, fields))
  }
  const own = {
    code: error.code,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.exitCode === undefined ? {} : { exitCode: error.exitCode }),
    ...(others.length === 0 ? {} : { details: others }),
  }
  const json = JSON.stringify(own, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value))
  out.push({ type: ownType, value: new TextEncoder().encode(json) })
  return out
}

/** The reverse of `encodeDetails`. Details that cannot be read, or are of no use to a user (stack
 * traces), are left out; JSON of unknown types is kept to be passed on. */
export function decodeDetails(wire: readonly WireDetail[]): DecodedDetails {
  const sources: SourceRange[] = []
  const details: ErrorDetail[] = []
  let own: Partial<DecodedDetails> = {}
  for (const { type, value } of wire) {
    try {
      if (type === ownType) own = readOwn(value)
      else if (messageName(type) === SourceSchema.typeName)
        sources.push(...sourceRange(decode(SourceSchema, type, value)))
      else {
        const schema = known.getMessage(messageName(type))
        if (schema === undefined) {
          if (type.endsWith(jsonSuffix) && !type.startsWith('stack.')) {
            details.push({ type: passedOn, name: type, json: Buffer.from(value).toString('utf8') })
          }
          continue
        }
        const { $typeName, $unknown: _, ...fields } = decode(schema, type, value) as Record<string, unknown>
        details.push({ type: $typeName as string, ...fields })
      }
    } catch {
      // A detail is a favour, not the error: one that is malformed must not hide the message.
    }
  }
  return { ...own, sources, details: [...details, ...(own.details ?? [])] }
}

function messageName(type: string): string {
  return type.endsWith(jsonSuffix) ? type.slice(0, -jsonSuffix.length) : type
}

/** Go's `encoding/json`: names as in the .proto file, 64-bit integers as numbers. */
function encode(schema: DescMessage, fields: Record<string, unknown>): WireDetail {
  const json = toJson(schema, create(schema, fields), { useProtoFieldName: true }) as Record<string, unknown>
  for (const field of schema.fields) {
    const value = json[field.name]
    if (field.fieldKind === 'scalar' && field.scalar === ScalarType.INT64 && typeof value === 'string') {
      json[field.name] = Number(value)
    }
  }
  return { type: `${schema.typeName}${jsonSuffix}`, value: new TextEncoder().encode(JSON.stringify(json)) }
}

function decode<Desc extends DescMessage>(
  schema: Desc,
  type: string,
  value: Uint8Array,
): ReturnType<typeof create<Desc>> {
  if (!type.endsWith(jsonSuffix)) return fromBinary(schema, value)
  return fromJson(schema, JSON.parse(new TextDecoder().decode(value)), { ignoreUnknownFields: true })
}

function readOwn(value: Uint8Array): Partial<DecodedDetails> {
  const json: unknown = JSON.parse(new TextDecoder().decode(value))
  if (typeof json !== 'object' || json === null) return {}
  const { code, hint, exitCode, details } = json as Record<string, unknown>
  return {
    ...(typeof code === 'string' && code in codes ? { code: code as ErrorCode } : {}),
    ...(typeof hint === 'string' ? { hint } : {}),
    ...(typeof exitCode === 'number' ? { exitCode } : {}),
    ...(Array.isArray(details) ? { details: details.filter(isDetail) } : {}),
  }
}

function isDetail(value: unknown): value is ErrorDetail {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

function sourceMessage(source: SourceRange): Record<string, unknown> {
  const { filename, language, ranges, definition } = source
  const info = {
    filename,
    data: shortSource(source),
    ...(language === undefined ? {} : { language }),
    ...(definition === undefined ? {} : { definition: fromBinary(DefinitionSchema, definition) }),
  }
  return { info, ranges }
}

function sourceRange(source: Source): SourceRange[] {
  if (source.info === undefined) return []
  const { filename, data, language, definition } = source.info
  const ranges = source.ranges.map(range => ({
    start: { line: range.start?.line ?? 0, character: range.start?.character ?? 0 },
    end: { line: range.end?.line ?? 0, character: range.end?.character ?? 0 },
  }))
  return [
    {
      filename,
      data,
      ranges,
      ...(language === '' ? {} : { language }),
      ...(definition === undefined ? {} : { definition: toBinary(DefinitionSchema, definition) }),
    },
  ]
}
