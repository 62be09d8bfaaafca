import { goJson, type JsonValue } from '../gostd/json.ts'
import { formatRfc3339Nano } from '../gostd/time.ts'
import type {
  SolveStatus,
  Timestamp,
  Vertex,
  VertexLog,
  VertexStatus,
  VertexWarning,
} from '../status/solve-status.ts'
import type { Display } from './display.ts'
import type { Terminal } from './terminal.ts'

/** Every message as one line of JSON, in the form of BuildKit's client types. */
export function rawJsonDisplay(terminal: Terminal): Display {
  return {
    update: status => terminal.write(`${rawJson(status)}\n`),
    refresh: () => {},
    done: () => {},
  }
}

/**
 * A status message as JSON with the names and order of
 * https://github.com/moby/buildkit/blob/v0.32.2/client/graph.go: bytes in base64, times in RFC 3339 with nanoseconds,
 * empty members left out.
 */
export function rawJson(status: SolveStatus): string {
  return goJson({
    vertexes: list(status.vertexes, vertexJson),
    statuses: list(status.statuses, statusJson),
    logs: list(status.logs, logJson),
    warnings: list(status.warnings, warningJson),
  })
}

function list<T>(values: readonly T[] | undefined, one: (value: T) => JsonValue): JsonValue {
  return values === undefined || values.length === 0 ? undefined : values.map(one)
}

const moment = (time: Timestamp | undefined): string | undefined =>
  time === undefined ? undefined : formatRfc3339Nano(time)
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const filled = <T extends string | number | boolean>(value: T | undefined): T | undefined =>
  value || undefined

function vertexJson(vertex: Vertex): JsonValue {
  const group = vertex.progressGroup
  return {
    digest: filled(vertex.digest),
    inputs: list(vertex.inputs, input => input),
    name: filled(vertex.name),
    started: moment(vertex.started),
    completed: moment(vertex.completed),
    cached: filled(vertex.cached),
    error: filled(vertex.error),
    progressGroup:
      group === undefined
        ? undefined
        : { id: filled(group.id), name: filled(group.name), weak: filled(group.weak) },
  }
}

function statusJson(status: VertexStatus): JsonValue {
  return {
    id: status.id,
    vertex: filled(status.vertex),
    name: filled(status.name),
    total: filled(status.total),
    current: status.current,
    timestamp: moment(status.timestamp),
    started: moment(status.started),
    completed: moment(status.completed),
  }
}

function logJson(log: VertexLog): JsonValue {
  return {
    vertex: filled(log.vertex),
    stream: filled(log.stream),
    data: log.data,
    timestamp: moment(log.timestamp),
  }
}

function warningJson(warning: VertexWarning): JsonValue {
  const { source } = warning
  return {
    vertex: filled(warning.vertex),
    level: filled(warning.level),
    short: warning.short === '' ? undefined : bytes(warning.short),
    detail: list(warning.detail, line => bytes(line)),
    url: filled(warning.url),
    sourceInfo:
      source === undefined
        ? undefined
        : {
            filename: filled(source.filename),
            data: source.data.length === 0 ? undefined : source.data,
            definition: warning.definition,
            language: filled(source.language),
          },
    range: list(source?.ranges, range => ({
      start: { line: filled(range.start.line), character: filled(range.start.character) },
      end: { line: filled(range.end.line), character: filled(range.end.character) },
    })),
  }
}
