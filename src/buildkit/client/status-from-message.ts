import type { Timestamp } from '@bufbuild/protobuf/wkt'
import type { SourceRange } from '../../errors/source-range.ts'
import { joinMoment } from '../../gostd/time.ts'
import { definitionJson } from '../../proto/definition-json.ts'
import type {
  StatusResponse,
  Vertex as VertexMessage,
  VertexWarning as WarningMessage,
} from '../../proto/gen/control_pb.ts'
import type { SolveStatus, Vertex, VertexWarning } from '../../status/solve-status.ts'

const moment = (timestamp: Timestamp | undefined): number | undefined =>
  timestamp === undefined ? undefined : joinMoment(timestamp.seconds, timestamp.nanos)

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8')

/** A status message of a daemon. `skewMs` is added to its times, so that they can be compared with this machine's. */
export function statusFromMessage(message: StatusResponse, skewMs = 0): SolveStatus {
  const at = (timestamp: Timestamp | undefined): number | undefined => {
    const ms = moment(timestamp)
    return ms === undefined ? undefined : ms + skewMs
  }
  return {
    vertexes: message.vertexes.map(vertex => vertexOf(vertex, at)),
    statuses: message.statuses.map(status => ({
      id: status.ID,
      vertex: status.vertex,
      name: status.name,
      current: Number(status.current),
      total: Number(status.total),
      timestamp: at(status.timestamp) ?? 0,
      started: at(status.started),
      completed: at(status.completed),
    })),
    logs: message.logs.map(log => ({
      vertex: log.vertex,
      stream: Number(log.stream),
      data: log.msg,
      timestamp: at(log.timestamp) ?? 0,
    })),
    warnings: message.warnings.map(warningOf),
  }
}

function vertexOf(
  message: VertexMessage,
  at: (timestamp: Timestamp | undefined) => number | undefined,
): Vertex {
  const group = message.progressGroup
  return {
    digest: message.digest,
    inputs: message.inputs,
    name: message.name,
    cached: message.cached,
    started: at(message.started),
    completed: at(message.completed),
    ...(message.error === '' ? {} : { error: message.error }),
    ...(group === undefined ? {} : { progressGroup: { id: group.id, name: group.name, weak: group.weak } }),
  }
}

function warningOf(message: WarningMessage): VertexWarning {
  const source: SourceRange | undefined =
    message.info === undefined
      ? undefined
      : {
          filename: message.info.filename,
          data: message.info.data,
          language: message.info.language,
          ranges: message.ranges.map(range => ({
            start: { line: range.start?.line ?? 0, character: range.start?.character ?? 0 },
            end: { line: range.end?.line ?? 0, character: range.end?.character ?? 0 },
          })),
        }
  const definition = message.info?.definition
  return {
    vertex: message.vertex,
    level: Number(message.level),
    short: text(message.short),
    detail: message.detail.map(text),
    url: message.url,
    ...(source === undefined ? {} : { source }),
    ...(definition === undefined ? {} : { definition: definitionJson(definition) }),
  }
}
