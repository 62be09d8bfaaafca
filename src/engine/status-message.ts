import { fromBinary, type MessageInitShape } from '@bufbuild/protobuf'
import type { SourceRange } from '../errors/source-range.ts'
import { splitMoment } from '../gostd/time.ts'
import type { StatusResponseSchema } from '../proto/gen/control_pb.ts'
import { type Definition, DefinitionSchema } from '../proto/gen/ops_pb.ts'
import type { SolveStatus, VertexStatus } from '../status/solve-status.ts'

type Message = MessageInitShape<typeof StatusResponseSchema>

/** A moment (ms since 1970) as a protobuf timestamp. */
export function timestamp(ms: number): { seconds: bigint; nanos: number } {
  const [seconds, nanos] = splitMoment(ms)
  return { seconds: BigInt(seconds), nanos }
}

/** The graph that brings a file, where it is known. */
const definitionOf = ({ definition }: SourceRange): { readonly definition?: Definition } =>
  definition === undefined ? {} : { definition: fromBinary(DefinitionSchema, definition) }

const maybe = <K extends string>(
  key: K,
  ms: number | undefined,
): { [P in K]?: { seconds: bigint; nanos: number } } =>
  ms === undefined ? {} : ({ [key]: timestamp(ms) } as { [P in K]: { seconds: bigint; nanos: number } })

/** What is done, as clients of BuildKit tell transfers apart: https://github.com/moby/buildkit/blob/v0.32.2/util/progress/progress.go */
function actionOf({ id, completed }: VertexStatus): string {
  if (id.startsWith('transferring ')) return 'transferring'
  if (id.startsWith('extracting ')) return 'extract'
  if (/^sha256:[0-9a-f]{64}$/.test(id)) return completed === undefined ? 'downloading' : 'done'
  return ''
}

/** A status message as it goes over the wire. */
export function statusMessage(status: SolveStatus): Message {
  return {
    vertexes: (status.vertexes ?? []).map(vertex => ({
      digest: vertex.digest,
      inputs: [...(vertex.inputs ?? [])],
      name: vertex.name,
      cached: vertex.cached ?? false,
      error: vertex.error ?? '',
      ...maybe('started', vertex.started),
      ...maybe('completed', vertex.completed),
      ...(vertex.progressGroup === undefined ? {} : { progressGroup: { ...vertex.progressGroup } }),
    })),
    statuses: (status.statuses ?? []).map(one => ({
      ID: one.id,
      vertex: one.vertex,
      name: one.name ?? actionOf(one),
      current: BigInt(Math.round(one.current)),
      total: BigInt(Math.round(one.total ?? 0)),
      timestamp: timestamp(one.timestamp),
      ...maybe('started', one.started),
      ...maybe('completed', one.completed),
    })),
    logs: (status.logs ?? []).map(log => ({
      vertex: log.vertex,
      stream: BigInt(log.stream),
      msg: log.data,
      timestamp: timestamp(log.timestamp),
    })),
    warnings: (status.warnings ?? []).map(warning => ({
      vertex: warning.vertex,
      level: BigInt(warning.level),
      short: Buffer.from(warning.short),
      detail: (warning.detail ?? []).map(line => Buffer.from(line)),
      url: warning.url ?? '',
      ...(warning.source === undefined
        ? {}
        : {
            info: {
              filename: warning.source.filename,
              data: warning.source.data,
              language: warning.source.language ?? '',
              ...definitionOf(warning.source),
            },
            ranges: warning.source.ranges.map(range => ({
              start: { ...range.start },
              end: { ...range.end },
            })),
          }),
    })),
  }
}
