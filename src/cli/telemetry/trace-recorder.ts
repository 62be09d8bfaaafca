import type { SolveStatus, Vertex } from '../../status/solve-status.ts'
import type { Host } from '../host.ts'
import { type OtlpTarget, otlpTarget } from './otlp-target.ts'
import type { Span, Trace } from './trace-message.ts'

/** Keeps the times of the steps that a display shows, and sends them as a trace at the end. */
export interface TraceRecorder extends AsyncDisposable {
  readonly write: (status: SolveStatus) => void
}

/**
 * A recorder, where the environment asks for traces. Steps of engines, of whichever kind and on as many nodes, and those of
 * this process are children of one span, the command; TRACEPARENT makes that a part of somebody else's trace. Whether a
 * trace could be sent changes nothing for the build: a line says so.
 */
export function openTraceRecorder(host: Host): TraceRecorder | undefined {
  const { env } = host
  const named = Object.keys(env).some(name =>
    /^OTEL_(TRACES_EXPORTER|EXPORTER_OTLP_(TRACES_)?ENDPOINT)$/.test(name),
  )
  const target = named ? readTarget(host) : undefined
  if (target === undefined) return undefined
  const startedMs = host.now()
  const vertices = new Map<string, Vertex>()
  return {
    write(status) {
      for (const vertex of status.vertexes ?? [])
        if (vertex.started !== undefined) vertices.set(vertex.digest, vertex)
    },
    async [Symbol.asyncDispose]() {
      const whole = { startedMs, completedMs: host.now() }
      const trace = traceOf([...vertices.values()], whole, host, target.resource)
      vertices.clear()
      try {
        const { sendTrace } = await import('./send-trace.ts')
        await sendTrace(trace, target)
      } catch (e) {
        host.stderr.write(`WARNING: traces export: ${(e as Error).message}\n`)
      }
    },
  }
}

/** What the environment says; what it cannot mean is told and fails nothing. */
function readTarget({ env, stderr }: Host): OtlpTarget | undefined {
  try {
    return otlpTarget(env)
  } catch (e) {
    stderr.write(`WARNING: traces export: ${(e as Error).message}\n`)
    return undefined
  }
}

function traceOf(
  vertices: readonly Vertex[],
  whole: { readonly startedMs: number; readonly completedMs: number },
  host: Host,
  resource: ReadonlyMap<string, string>,
): Trace {
  const hex = (size: number): string => Buffer.from(host.random(size)).toString('hex')
  // https://www.w3.org/TR/trace-context/#traceparent-header
  const given = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(host.env['TRACEPARENT'] ?? '')
  const error = vertices.find(one => one.error)?.error
  const root: Span = {
    ...whole,
    id: hex(8),
    parent: given?.[2] ?? '',
    name: host.args.find(word => !word.startsWith('-')) ?? host.program,
    attributes: new Map(),
    ...(error ? { error } : {}),
  }
  const steps = vertices.map((vertex): Span => {
    const {
      digest,
      name,
      started = whole.startedMs,
      completed = whole.completedMs,
      cached,
      error: failure,
    } = vertex
    return {
      id: hex(8),
      parent: root.id,
      name,
      startedMs: started,
      completedMs: completed,
      attributes: new Map([['vertex', digest], ...(cached ? [['cached', 'true'] as const] : [])]),
      ...(failure ? { error: failure } : {}),
    }
  })
  return { id: given?.[1] ?? hex(16), resource, spans: [root, ...steps] }
}
