import type { JsonValue } from '../../gostd/json.ts'
import { parseRfc3339 } from '../../gostd/time.ts'

/** A trace as Jaeger's page takes it. */
export interface JaegerTrace {
  readonly traceId: string
  readonly json: JsonValue
}

interface SpanContext {
  readonly TraceID: string
  readonly SpanID: string
  readonly TraceFlags?: string
}

interface Attribute {
  readonly Key: string
  readonly Value: { readonly Type: string; readonly Value: JsonValue }
}

interface Span {
  readonly Name: string
  readonly SpanContext: SpanContext
  readonly Parent: SpanContext
  readonly SpanKind: number
  readonly StartTime: string
  readonly EndTime: string
  readonly Attributes?: readonly Attribute[] | null
  readonly Events?:
    | readonly {
        readonly Name: string
        readonly Time: string
        readonly Attributes?: readonly Attribute[] | null
      }[]
    | null
  readonly Status?: { readonly Code: string; readonly Description: string }
  readonly Resource?: readonly Attribute[] | null
  readonly Links?: readonly { readonly SpanContext: SpanContext }[] | null
  readonly InstrumentationLibrary?: { readonly Name?: string; readonly Version?: string }
}

/** Spans of a build's record, one JSON object behind the other. Throws SyntaxError. */
function parseSpans(text: string): readonly Span[] {
  const objects = text.split(/^(?=\{)/m).filter(part => part.trim() !== '')
  return objects.map(part => JSON.parse(part) as Span)
}

/**
 * The trace of a build in Jaeger's form; undefined where it has no spans. Form:
 * https://github.com/docker/buildx/blob/v0.36.1/util/otelutil/jaeger/model.go
 */
export function jaegerTrace(text: string): JaegerTrace | undefined {
  const spans = parseSpans(text)
  const traceId = spans[0]?.SpanContext.TraceID
  if (traceId === undefined) return undefined
  const processes = spans.map((span, i): [string, JsonValue] => [`p${i}`, processJson(span.Resource ?? [])])
  const sorted = processes.toSorted(([a], [b]) => (a < b ? -1 : 1))
  const json = {
    traceID: traceId,
    spans: spans.map((span, i) => spanJson(span, `p${i}`)),
    processes: Object.fromEntries(sorted),
    warnings: null,
  }
  return { traceId, json }
}

function processJson(resource: readonly Attribute[]): JsonValue {
  const name = resource.find(one => one.Key === 'service.name')?.Value.Value ?? 'unknown_service'
  return { serviceName: name, tags: resource.filter(one => one.Key !== 'service.name').map(tag) }
}

/** Whole microseconds; what is left of one is lost. */
const microseconds = (text: string): number => Number(nanoseconds(text) / 1000n)

/** A double of milliseconds has not enough digits for the fraction. */
function nanoseconds(text: string): bigint {
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? ''
  const seconds = Math.floor(parseRfc3339(text) / 1000)
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9))
}

/** Of spans within a process nothing is said. */
const kinds = ['', '', 'server', 'client', 'producer', 'consumer']

function spanJson(span: Span, processID: string): JsonValue {
  const tags = [...(span.Attributes ?? []).map(tag)]
  const { Name: library = '', Version: version = '' } = span.InstrumentationLibrary ?? {}
  if (library !== '') tags.push({ key: 'otel.library.name', type: 'string', value: library })
  if (library !== '' && version !== '')
    tags.push({ key: 'otel.library.version', type: 'string', value: version })
  const kind = kinds[span.SpanKind] ?? ''
  if (kind !== '') tags.push({ key: 'span.kind', type: 'string', value: kind })
  if (span.Status?.Code === 'Ok') tags.push({ key: 'otel.status_code', type: 'string', value: 'OK' })
  if (span.Status?.Code === 'Error') {
    tags.push({ key: 'error', type: 'bool', value: true })
    tags.push({ key: 'otel.status_code', type: 'string', value: 'ERROR' })
  }
  if (span.Status?.Description)
    tags.push({ key: 'otel.status_description', type: 'string', value: span.Status.Description })
  const start = microseconds(span.StartTime)
  return {
    traceID: span.SpanContext.TraceID,
    spanID: span.SpanContext.SpanID,
    flags: Number.parseInt(span.SpanContext.TraceFlags ?? '0', 16) || undefined,
    operationName: span.Name,
    references: [
      ...(span.Links ?? []).map(link => reference('FOLLOWS_FROM', link.SpanContext)),
      reference('CHILD_OF', span.Parent),
    ],
    startTime: start,
    duration: Number((nanoseconds(span.EndTime) - nanoseconds(span.StartTime)) / 1000n),
    tags,
    logs: logsOf(span.Events ?? []),
    processID,
    warnings: null,
  }
}

function logsOf(events: NonNullable<Span['Events']>): JsonValue {
  if (events.length === 0) return null
  return events.map(event => ({
    timestamp: microseconds(event.Time),
    fields: [{ key: 'event', type: 'string', value: event.Name }, ...(event.Attributes ?? []).map(tag)],
  }))
}

const reference = (refType: string, { TraceID, SpanID }: SpanContext): JsonValue => ({
  refType,
  traceID: TraceID,
  spanID: SpanID,
})

const tagTypes: Readonly<Record<string, string>> = { BOOL: 'bool', INT64: 'int64', FLOAT64: 'float64' }

const tag = ({ Key, Value }: Attribute): JsonValue => ({
  key: Key,
  type: tagTypes[Value.Type] ?? 'string',
  value: typeof Value.Value === 'object' ? JSON.stringify(Value.Value) : Value.Value,
})
