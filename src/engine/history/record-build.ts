import { basename } from 'node:path'
import { create, type Message, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import { redactUrl } from '../../attest/redact-url.ts'
import type {
  BuildHistoryRecordSchema,
  BuildResultInfoSchema,
  SolveRequest,
} from '../../proto/gen/control_pb.ts'
import { type Status, StatusSchema } from '../../proto/gen/rpc-status_pb.ts'
import { toRpcStatus } from '../../session/errors/wire-error.ts'
import type { SolveStatus } from '../../status/solve-status.ts'
import { buildkitVersion } from '../version.ts'
import { timestamp } from '../status-message.ts'
import type { BuildHistory } from './build-history.ts'
import { countSteps, encodeStatusLog, statusLogType } from './status-log.ts'
import { traceSpans, traceType } from './trace-spans.ts'

type RecordInit = Exclude<MessageInitShape<typeof BuildHistoryRecordSchema>, Message>
type InfoInit = Exclude<MessageInitShape<typeof BuildResultInfoSchema>, Message>
type DescriptorInit = NonNullable<NonNullable<InfoInit['Results']>[string]>

/** Provenance of one tree of a result; `id` is its platform, absent for the only tree. */
export interface RecordedProvenance {
  readonly id?: string
  readonly predicateType: string
  readonly predicate: Uint8Array
}

/** How a build ended. */
export interface BuildEnd {
  readonly messages: readonly SolveStatus[]
  /** Facts of the frontend's result. */
  readonly metadata: ReadonlyMap<string, Uint8Array>
  /** What each exporter answered, in order. */
  readonly responses: readonly Readonly<Record<string, string>>[]
  readonly provenance: readonly RecordedProvenance[]
  readonly error?: unknown
}

/** The record of a build that begins. Credentials in URLs (contexts, arguments) and in options of caches are not kept. */
export function startedRecord(request: SolveRequest, nowMs: number): RecordInit {
  const attrs = Object.entries(request.FrontendAttrs).map(([key, value]) => [
    key,
    isUrl(key) ? redactUrl(value) : key === 'cache-imports' ? withoutSecrets(value) : value,
  ])
  const { Exporters, ExporterDeprecated, ExporterAttrsDeprecated } = request
  const only = ExporterDeprecated === '' ? [] : [{ Type: ExporterDeprecated, Attrs: ExporterAttrsDeprecated }]
  return {
    Ref: request.Ref,
    Frontend: request.Frontend,
    FrontendAttrs: Object.fromEntries(attrs),
    Exporters: (Exporters.length > 0 ? Exporters : only).map(({ Type, Attrs }) => ({ Type, Attrs })),
    CreatedAt: timestamp(nowMs),
  }
}

const isUrl = (key: string): boolean =>
  key === 'context' || key === 'vcs:source' || /^(?:context|build-arg):/.test(key)

const secretAttributes = /^(token|ghtoken|access_key_id|secret_access_key|session_token)$/

/** Options of caches without their credentials; what is no list of them is not kept at all. */
function withoutSecrets(text: string): string {
  try {
    const list = JSON.parse(text) as readonly { readonly Attrs?: Readonly<Record<string, string>> | null }[]
    const clean = list.map(one => ({
      ...one,
      Attrs: Object.fromEntries(
        Object.entries(one.Attrs ?? {}).filter(([key]) => !secretAttributes.test(key)),
      ),
    }))
    return JSON.stringify(clean)
  } catch {
    return ''
  }
}

/** Writes what is kept of a build that has ended: log, trace, provenance, the whole error, and the record of all that. */
export async function completeRecord(
  started: RecordInit,
  end: BuildEnd,
  times: { readonly startedMs: number; readonly completedMs: number },
  history: BuildHistory,
): Promise<void> {
  const { messages, error } = end
  const counts = countSteps(messages)
  const failure = error === undefined ? undefined : toRpcStatus(error, { ofBuild: true })
  const facts = {
    ref: started.Ref ?? '',
    ...times,
    ...(failure === undefined ? {} : { error: failure.message }),
  }
  const logs = await history.keepBlob(Buffer.concat([...encodeStatusLog(messages)]), statusLogType)
  const trace = await history.keepBlob(Buffer.from(traceSpans(messages, facts)), traceType)
  const external =
    failure === undefined
      ? undefined
      : await history.keepBlob(
          toBinary(StatusSchema, withTrace(failure, error)),
          'application/vnd.googeapis.google.rpc.status+proto',
        )
  const results = resultDescriptors(end.responses)
  const attestations = await keepProvenance(end.provenance, history)
  const platforms = Object.entries(attestations.platforms).map(
    ([id, list]) => [id, { Attestations: list }] as const,
  )
  history.complete({
    ...started,
    CompletedAt: timestamp(times.completedMs),
    ExporterResponse: textOf(end.metadata),
    logs,
    trace,
    numTotalSteps: counts.total,
    numCompletedSteps: counts.completed,
    numCachedSteps: counts.cached,
    numWarnings: counts.warnings,
    Results: Object.fromEntries(platforms),
    ...(results.length + attestations.only.length === 0
      ? {}
      : { Result: resultInfo(results, attestations.only) }),
    ...(failure === undefined ? {} : { error: { code: failure.code, message: failure.message } }),
    ...(external === undefined ? {} : { externalError: external }),
  })
}

/** The whole error: also where in this program it came from, for who looks for a fault in it. */
function withTrace(failure: Status, error: unknown): Status {
  const frames = [...((error instanceof Error ? error.stack : undefined) ?? '').matchAll(frame)].map(
    ([, name = '<anonymous>', file = '', line = '0']) => ({
      Name: name,
      File: basename(file),
      Line: Number(line),
    }),
  )
  const { version, package: revision } = buildkitVersion
  const stack = { frames, cmdline: ['slipway'], pid: process.pid, version, revision }
  const detail = {
    typeUrl: 'github.com/moby/buildkit/stack.Stack+json',
    value: Buffer.from(JSON.stringify(stack)),
  }
  return create(StatusSchema, { ...failure, details: [...failure.details, create(AnySchema, detail)] })
}

/** A line of a stack trace of V8. */
const frame = /^\s+at (?:(.*?) \()?(\S+?):(\d+):\d+\)?$/gm

function resultInfo(
  results: readonly (readonly [number, DescriptorInit])[],
  Attestations: DescriptorInit[],
): InfoInit {
  const [first] = results
  return {
    Attestations,
    Results: Object.fromEntries(results),
    ...(first === undefined ? {} : { ResultDeprecated: first[1] }),
  }
}

/** Images that exporters wrote, by the number of the exporter. */
function resultDescriptors(responses: BuildEnd['responses']): (readonly [number, DescriptorInit])[] {
  return responses.flatMap((response, i) => {
    const text = response['containerimage.descriptor']
    const value: unknown =
      text === undefined ? undefined : JSON.parse(Buffer.from(text, 'base64').toString('utf8'))
    if (!isRecord(value)) return []
    const { mediaType, digest, size, annotations } = value
    const kept = isRecord(annotations) ? { annotations: annotations as Record<string, string> } : {}
    return [
      [
        i,
        { mediaType: String(mediaType), digest: String(digest), size: BigInt(Number(size)), ...kept },
      ] as const,
    ]
  })
}

async function keepProvenance(
  list: readonly RecordedProvenance[],
  history: BuildHistory,
): Promise<{ only: DescriptorInit[]; platforms: Record<string, DescriptorInit[]> }> {
  const kept = { only: [] as DescriptorInit[], platforms: {} as Record<string, DescriptorInit[]> }
  for (const { id, predicateType, predicate } of list) {
    const blob = await history.keepBlob(predicate, 'application/vnd.in-toto+json')
    const descriptor = { ...blob, annotations: { 'in-toto.io/predicate-type': predicateType } }
    if (id === undefined) kept.only.push(descriptor)
    else kept.platforms[id] = [descriptor]
  }
  return kept
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const textOf = (metadata: ReadonlyMap<string, Uint8Array>): Record<string, string> =>
  Object.fromEntries([...metadata].map(([key, value]) => [key, Buffer.from(value).toString('utf8')]))
