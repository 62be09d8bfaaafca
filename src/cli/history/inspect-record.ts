import { relative } from 'node:path'
import { readHistoryBlob, replayStatus } from '../../buildkit/client/history.ts'
import { fromBinary } from '@bufbuild/protobuf'
import { formatPlatformAll, parsePlatform } from '../../oci/platform.ts'
import { sourceExcerpt } from '../../progress/source-excerpt.ts'
import { StatusSchema } from '../../proto/gen/rpc-status_pb.ts'
import { fromRpcStatus } from '../../session/errors/wire-error.ts'
import { hostPlatform } from '../host-platform.ts'
import { type Attachment, attachmentsOf } from './attachments.ts'
import { buildName } from './build-name.ts'
import { type BuildSettings, buildSettings, type NamedValue, valuesWithPrefix } from './inspect-config.ts'
import { type FoundRecord } from './query-records.ts'
import { stackText } from './stack-text.ts'
import { StepLines } from './step-lines.ts'

/** A failure as it is shown. */
export interface InspectedError {
  readonly Code: number
  readonly Message: string
  /** The step that failed, and the end of what it printed. */
  readonly Name?: string
  readonly Logs?: readonly string[]
  /** Excerpts of the files that it is about. */
  readonly Sources?: Uint8Array
  /** Where in the programs it came from, with the message before it. */
  readonly Stack?: Uint8Array
}

/** Something that a build took. */
export interface Material {
  readonly URI: string
  readonly Digests?: readonly string[]
}

/** A google.protobuf.Timestamp. */
export interface Moment {
  readonly seconds: bigint
  readonly nanos: number
}

/** All that is shown of a build. Names: https://github.com/docker/buildx/blob/v0.36.1/commands/history/inspect.go */
export interface InspectedBuild {
  readonly Name?: string
  readonly Ref: string
  readonly Context?: string
  readonly Dockerfile?: string
  readonly VCSRepository?: string
  readonly VCSRevision?: string
  readonly Target?: string
  readonly Platform?: readonly string[]
  readonly KeepGitDir?: boolean
  readonly NamedContexts?: readonly NamedValue[]
  /** Milliseconds since 1970. */
  readonly startedMs: number
  /** As the daemon wrote them, to the nanosecond. */
  readonly started: Moment
  readonly completed?: Moment
  readonly durationMs: number
  readonly Status: 'completed' | 'running' | 'failed' | 'canceled'
  readonly Error?: InspectedError
  readonly NumCompletedSteps: number
  readonly NumTotalSteps: number
  readonly NumCachedSteps: number
  readonly BuildArgs?: readonly NamedValue[]
  readonly Labels?: readonly NamedValue[]
  readonly Config: BuildSettings
  readonly Materials?: readonly Material[]
  readonly Attachments?: readonly Attachment[]
}

/** Lines of a failed step that are shown. */
const mostLogs = 16

const canceledCode = 1

/** Reads everything that a record leads to. */
export async function inspectRecord(
  found: FoundRecord,
  cwd: string,
  signal: AbortSignal,
): Promise<InspectedBuild> {
  const { record, state, createdMs, completedMs } = found
  const attrs = record.FrontendAttrs
  const attachments = await attachmentsOf(found, signal)
  const files = placesOf(found, cwd)
  const { context: _, ...withoutContext } = attrs
  const vcs = attrs['context'] === undefined || !files.fromState ? attrs : {}
  const error = await errorOf(found, signal)
  const build: { [K in keyof InspectedBuild]?: InspectedBuild[K] | undefined } = {
    Name: buildName(attrs, state),
    Ref: record.Ref,
    Context: files.context,
    Dockerfile: files.dockerfile,
    VCSRepository: vcs['vcs:source'],
    VCSRevision: vcs['vcs:revision'],
    Target: attrs['target'],
    Platform: attrs['platform']
      ?.split(',')
      .map(text => formatPlatformAll(parsePlatform(text, hostPlatform()))),
    KeepGitDir: attrs['build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR'] === '1' || undefined,
    NamedContexts: valuesWithPrefix(attrs, 'context:'),
    startedMs: createdMs,
    started: record.CreatedAt ?? { seconds: 0n, nanos: 0 },
    completed: record.CompletedAt,
    durationMs: (completedMs ?? found.nowMs) - createdMs,
    Status: statusOf(found),
    Error: error,
    NumCompletedSteps: record.numCompletedSteps,
    NumTotalSteps: record.numTotalSteps,
    NumCachedSteps: record.numCachedSteps,
    BuildArgs: valuesWithPrefix(attrs, 'build-arg:'),
    Labels: valuesWithPrefix(attrs, 'label:'),
    Config: buildSettings(files.fromState ? attrs : withoutContext),
    Materials: await materialsOf(found, attachments, signal),
    Attachments: attachments.length === 0 ? undefined : attachments,
  }
  const entries = Object.entries(build).filter(([, value]) => value !== undefined && value !== '')
  return Object.fromEntries(entries) as unknown as InspectedBuild
}

function statusOf({ record, completedMs }: FoundRecord): InspectedBuild['Status'] {
  if (record.error !== undefined) return record.error.code === canceledCode ? 'canceled' : 'failed'
  return completedMs === undefined ? 'running' : 'completed'
}

interface Places {
  readonly context: string
  readonly dockerfile: string
  /** The context is known from the note of the build; one that the frontend was told is a setting then. */
  readonly fromState: boolean
}

/** Where context and Dockerfile are; relative where that is shorter. */
function placesOf({ record, state }: FoundRecord, cwd: string): Places {
  const attrs = record.FrontendAttrs
  let context = state?.localPath ?? ''
  let dockerfile = state?.dockerfilePath ?? ''
  if (dockerfile !== '' && dockerfile !== '-' && context !== '') dockerfile = shorter(context, dockerfile)
  if (context !== '') context = shorter(cwd, context)
  const fromState = context !== ''
  if (!fromState) context = attrs['context'] ?? ''
  if (dockerfile === '' && attrs['filename'] !== undefined) {
    const folder = attrs['vcs:localdir:dockerfile']
    dockerfile = folder === undefined ? attrs['filename'] : `${folder}/${attrs['filename']}`
  }
  return { context, dockerfile, fromState }
}

function shorter(from: string, path: string): string {
  if (!path.startsWith('/')) return path
  const way = relative(from, path)
  return way.startsWith('../') ? path : way === '' ? '.' : way
}

async function errorOf(found: FoundRecord, signal: AbortSignal): Promise<InspectedError | undefined> {
  const { record, connection } = found
  if (record.error === undefined && record.externalError === undefined) return undefined
  const base = { Code: record.error?.code ?? 0, Message: record.error?.message ?? '' }
  if (record.externalError === undefined) return base
  const status = fromBinary(StatusSchema, await readHistoryBlob(connection, record.externalError, signal))
  const whole = fromRpcStatus(status)
  if (whole === undefined) return base
  const excerpts = whole.sources.map(source => `${sourceExcerpt(source)}\n`).join('')
  const vertex = whole.details.find(detail => detail.type === 'errdefs.Vertex')?.['digest']
  const step = typeof vertex === 'string' ? await stepLogs(found, vertex, signal) : undefined
  return {
    ...base,
    ...(step === undefined
      ? {}
      : { Name: step.name, ...(step.logs.length === 0 ? {} : { Logs: step.logs }) }),
    ...(excerpts === '' ? {} : { Sources: Buffer.from(excerpts) }),
    Stack: Buffer.from(stackText(whole.message, status)),
  }
}

async function stepLogs(
  { connection, record }: FoundRecord,
  digest: string,
  signal: AbortSignal,
): Promise<{ name: string; logs: readonly string[] }> {
  let name = ''
  const lines = new StepLines(mostLogs)
  for await (const status of replayStatus(connection, record.Ref, signal)) {
    for (const vertex of status.vertexes ?? []) if (vertex.digest === digest) name = vertex.name
    for (const log of status.logs ?? []) {
      if (log.vertex === digest) lines.add(log.stream, Buffer.from(log.data))
    }
  }
  return { name, logs: lines.last() }
}

async function materialsOf(
  { connection }: FoundRecord,
  attachments: readonly Attachment[],
  signal: AbortSignal,
): Promise<readonly Material[] | undefined> {
  const provenance = attachments.find(one => one.type.startsWith('https://slsa.dev/provenance/'))
  if (provenance === undefined) return undefined
  const bytes = await readHistoryBlob(connection, provenance, signal)
  const parsed = JSON.parse(Buffer.from(bytes).toString('utf8')) as {
    buildDefinition?: { resolvedDependencies?: readonly RawMaterial[] }
    materials?: readonly RawMaterial[]
  }
  const list = parsed.buildDefinition?.resolvedDependencies ?? parsed.materials ?? []
  if (list.length === 0) return undefined
  return list.map(({ uri = '', digest }) => ({
    URI: uri,
    ...(digest ? { Digests: Object.entries(digest).map(([algorithm, hex]) => `${algorithm}:${hex}`) } : {}),
  }))
}

interface RawMaterial {
  readonly uri?: string
  readonly digest?: Readonly<Record<string, string>>
}
