import { createHash, randomBytes } from 'node:crypto'
import { goJson, type JsonValue } from '../../gostd/json.ts'
import { formatRfc3339Nano } from '../../gostd/time.ts'
import type { SolveStatus, Vertex } from '../../status/solve-status.ts'
import { buildkitVersion } from '../version.ts'

/** Type of the blob that keeps the trace of a build: one JSON object for each span. */
export const traceType = 'application/vnd.buildkit.otlp.json.v0'

/**
 * The steps of a build as spans of one trace, in the form of Go's tracetest.SpanStub, which buildx reads. Form:
 * https://github.com/docker/buildx/blob/v0.36.1/util/otelutil/span.go
 */
export function traceSpans(
  messages: readonly SolveStatus[],
  build: {
    readonly ref: string
    readonly startedMs: number
    readonly completedMs: number
    readonly error?: string
  },
): string {
  const traceId = randomBytes(16).toString('hex')
  const rootId = spanId(build.ref)
  const vertices = new Map<string, Vertex>()
  for (const status of messages) {
    for (const vertex of status.vertexes ?? [])
      if (vertex.completed !== undefined) vertices.set(vertex.digest, vertex)
  }
  const children = [...vertices.values()].map(vertex => ({
    name: vertex.name,
    id: spanId(vertex.digest),
    startedMs: vertex.started ?? build.startedMs,
    completedMs: vertex.completed ?? build.completedMs,
    attributes: [text('vertex', vertex.digest), ...(vertex.cached ? [text('cached', 'true')] : [])],
    ...(vertex.error ? { error: vertex.error } : {}),
  }))
  const root = {
    name: 'moby.buildkit.v1.Control/Solve',
    id: rootId,
    attributes: [text('ref', build.ref)],
    ...build,
  }
  return [
    ...children.map(one => spanJson(one, { traceId, parent: rootId, children: 0 })),
    spanJson(root, { traceId, parent: '0'.repeat(16), children: children.length }),
  ]
    .map(span => `${goJson(span, { indent: '  ' })}\n`)
    .join('')
}

interface Span {
  readonly name: string
  readonly id: string
  readonly startedMs: number
  readonly completedMs: number
  readonly attributes: readonly JsonValue[]
  readonly error?: string
}

const spanId = (seed: string): string => createHash('sha256').update(seed).digest('hex').slice(0, 16)

const text = (Key: string, Value: string): JsonValue => ({ Key, Value: { Type: 'STRING', Value } })

function spanJson(span: Span, place: { traceId: string; parent: string; children: number }): JsonValue {
  const context = (SpanID: string): JsonValue => {
    const none = /^0+$/.test(SpanID)
    const TraceID = none ? '0'.repeat(32) : place.traceId
    return { TraceID, SpanID, TraceFlags: none ? '00' : '01', TraceState: '', Remote: false }
  }
  return {
    Name: span.name,
    SpanContext: context(span.id),
    Parent: context(place.parent),
    SpanKind: 1,
    StartTime: formatRfc3339Nano(span.startedMs),
    EndTime: formatRfc3339Nano(span.completedMs),
    Attributes: span.attributes,
    Events: null,
    Links: null,
    Status: { Code: span.error === undefined ? 'Unset' : 'Error', Description: span.error ?? '' },
    DroppedAttributes: 0,
    DroppedEvents: 0,
    DroppedLinks: 0,
    ChildSpanCount: place.children,
    Resource: [
      text('service.name', buildkitVersion.package),
      text('service.version', buildkitVersion.version),
    ],
    InstrumentationLibrary: { Name: 'slipway', Version: '', SchemaURL: '', Attributes: null },
  }
}
