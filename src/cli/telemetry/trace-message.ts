import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

/** One stretch of time of a trace. */
export interface Span {
  /** 16 hexadecimal digits. */
  readonly id: string
  /** Empty for the first of a trace that nobody else began. */
  readonly parent: string
  readonly name: string
  /** Milliseconds since 1970. */
  readonly startedMs: number
  readonly completedMs: number
  readonly attributes: ReadonlyMap<string, string>
  readonly error?: string
}

/** Spans of one trace, and who says so. */
export interface Trace {
  /** 32 hexadecimal digits. */
  readonly id: string
  readonly resource: ReadonlyMap<string, string>
  readonly spans: readonly Span[]
}

/**
 * A trace as `ExportTraceServiceRequest`. Fields:
 * https://github.com/open-telemetry/opentelemetry-proto/blob/v1.10.0/opentelemetry/proto/trace/v1/trace.proto
 */
export function traceMessage(trace: Trace): Uint8Array {
  const spans = trace.spans.map(span => spanMessage(span, trace.id))
  const scope = message(w => text(w, 1, 'slipway'))
  const resource = message(w => attributes(w, 1, trace.resource))
  const scoped = message(w => {
    bytes(w, 1, scope)
    for (const span of spans) bytes(w, 2, span)
  })
  const resourceSpans = message(w => bytes(bytes(w, 1, resource), 2, scoped))
  return message(w => bytes(w, 1, resourceSpans))
}

const internalKind = 1
const errorCode = 2

function spanMessage(span: Span, traceId: string): Uint8Array {
  return message(w => {
    bytes(w, 1, Buffer.from(traceId, 'hex'))
    bytes(w, 2, Buffer.from(span.id, 'hex'))
    if (span.parent !== '') bytes(w, 4, Buffer.from(span.parent, 'hex'))
    text(w, 5, span.name)
    w.tag(6, WireType.Varint).int32(internalKind)
    w.tag(7, WireType.Bit64).fixed64(nanoseconds(span.startedMs))
    w.tag(8, WireType.Bit64).fixed64(nanoseconds(span.completedMs))
    attributes(w, 9, span.attributes)
    const { error } = span
    if (error === undefined) return
    const status = message(inner => text(inner, 2, error).tag(3, WireType.Varint).int32(errorCode))
    bytes(w, 15, status)
  })
}

const nanoseconds = (ms: number): bigint => BigInt(Math.round(ms * 1000)) * 1000n

function attributes(writer: BinaryWriter, field: number, values: ReadonlyMap<string, string>): void {
  for (const [key, value] of values) {
    const any = message(w => text(w, 1, value))
    bytes(
      writer,
      field,
      message(w => bytes(text(w, 1, key), 2, any)),
    )
  }
}

function message(write: (writer: BinaryWriter) => unknown): Uint8Array {
  const writer = new BinaryWriter()
  write(writer)
  return writer.finish()
}

const bytes = (writer: BinaryWriter, field: number, value: Uint8Array): BinaryWriter =>
  writer.tag(field, WireType.LengthDelimited).bytes(value)

const text = (writer: BinaryWriter, field: number, value: string): BinaryWriter =>
  writer.tag(field, WireType.LengthDelimited).string(value)
