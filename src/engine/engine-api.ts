import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf'
import type * as content from '../proto/gen/content_pb.ts'
import type * as control from '../proto/gen/control_pb.ts'
import type * as gateway from '../proto/gen/gateway_pb.ts'

/** What a method knows of the call besides its request. */
export interface CallContext {
  /** Aborts when the caller goes away or cancels. */
  readonly signal: AbortSignal
  /** Request metadata, keys in lower case. */
  readonly headers: Headers
  /** Sent with the first message of the answer (or with the answer); too late afterwards. */
  readonly responseHeaders: Headers
}

/** A message, or an object of its fields from which one is made. */
type Init<Schema extends DescMessage> = MessageInitShape<Schema>

/**
 * The Control service without its session tunnel. Errors are `SlipwayError`s; their details travel to the client.
 * Fields and meaning: https://github.com/moby/buildkit/blob/v0.32.2/api/services/control/control.proto
 */
export interface ControlApi {
  listWorkers(
    request: control.ListWorkersRequest,
    call: CallContext,
  ): Promise<Init<typeof control.ListWorkersResponseSchema>>
  info(request: control.InfoRequest, call: CallContext): Promise<Init<typeof control.InfoResponseSchema>>
  diskUsage(
    request: control.DiskUsageRequest,
    call: CallContext,
  ): Promise<Init<typeof control.DiskUsageResponseSchema>>
  /** Yields each record as it is removed. */
  prune(
    request: control.PruneRequest,
    call: CallContext,
  ): AsyncIterable<Init<typeof control.UsageRecordSchema>>
  /** Resolves when the build and its exports are done; a request without frontend and definition ends by `Return`. */
  solve(request: control.SolveRequest, call: CallContext): Promise<Init<typeof control.SolveResponseSchema>>
  /** Waits for the build to appear, ends when it ends. */
  status(
    request: control.StatusRequest,
    call: CallContext,
  ): AsyncIterable<Init<typeof control.StatusResponseSchema>>
  listenBuildHistory(
    request: control.BuildHistoryRequest,
    call: CallContext,
  ): AsyncIterable<Init<typeof control.BuildHistoryEventSchema>>
  updateBuildHistory(
    request: control.UpdateBuildHistoryRequest,
    call: CallContext,
  ): Promise<Init<typeof control.UpdateBuildHistoryResponseSchema>>
}

/**
 * The LLBBridge service of one build: what its frontend (or a client that drives it) may ask. Absent methods answer
 * `unimplemented`. Source: https://github.com/moby/buildkit/blob/v0.32.2/frontend/gateway/pb/gateway.proto
 */
export interface BridgeApi {
  ping(request: gateway.PingRequest, call: CallContext): Promise<Init<typeof gateway.PongResponseSchema>>
  resolveImageConfig(
    request: gateway.ResolveImageConfigRequest,
    call: CallContext,
  ): Promise<Init<typeof gateway.ResolveImageConfigResponseSchema>>
  resolveSourceMeta(
    request: gateway.ResolveSourceMetaRequest,
    call: CallContext,
  ): Promise<Init<typeof gateway.ResolveSourceMetaResponseSchema>>
  solve(request: gateway.SolveRequest, call: CallContext): Promise<Init<typeof gateway.SolveResponseSchema>>
  readFile(
    request: gateway.ReadFileRequest,
    call: CallContext,
  ): Promise<Init<typeof gateway.ReadFileResponseSchema>>
  readDir(
    request: gateway.ReadDirRequest,
    call: CallContext,
  ): Promise<Init<typeof gateway.ReadDirResponseSchema>>
  statFile(
    request: gateway.StatFileRequest,
    call: CallContext,
  ): Promise<Init<typeof gateway.StatFileResponseSchema>>
  evaluate(
    request: gateway.EvaluateRequest,
    call: CallContext,
  ): Promise<Init<typeof gateway.EvaluateResponseSchema>>
  return(
    request: gateway.ReturnRequest,
    call: CallContext,
  ): Promise<Init<typeof gateway.ReturnResponseSchema>>
  inputs(
    request: gateway.InputsRequest,
    call: CallContext,
  ): Promise<Init<typeof gateway.InputsResponseSchema>>
  warn(request: gateway.WarnRequest, call: CallContext): Promise<Init<typeof gateway.WarnResponseSchema>>
  newContainer?(
    request: gateway.NewContainerRequest,
    call: CallContext,
  ): Promise<Init<typeof gateway.NewContainerResponseSchema>>
  releaseContainer?(
    request: gateway.ReleaseContainerRequest,
    call: CallContext,
  ): Promise<Init<typeof gateway.ReleaseContainerResponseSchema>>
  execProcess?(
    messages: AsyncIterable<gateway.ExecMessage>,
    call: CallContext,
  ): AsyncIterable<Init<typeof gateway.ExecMessageSchema>>
  readFileContainer?(
    request: gateway.ReadFileRequest,
    call: CallContext,
  ): Promise<Init<typeof gateway.ReadFileResponseSchema>>
  readDirContainer?(
    request: gateway.ReadDirRequest,
    call: CallContext,
  ): Promise<Init<typeof gateway.ReadDirResponseSchema>>
  statFileContainer?(
    request: gateway.StatFileRequest,
    call: CallContext,
  ): Promise<Init<typeof gateway.StatFileResponseSchema>>
}

/** Blobs that history records point at (logs, traces, provenance), readable by digest. Throws `not-found`. */
export interface HistoryContentApi {
  info(digest: string, call: CallContext): Promise<Init<typeof content.InfoSchema>>
  /** `length` bytes from `offset`; length 0 means to the end. */
  read(
    digest: string,
    range: { readonly offset: bigint; readonly length: bigint },
    call: CallContext,
  ): AsyncIterable<Uint8Array>
  /** Blobs of cache and history. */
  list(call: CallContext): AsyncIterable<Init<typeof content.InfoSchema>>
}

/** What answers behind a BuildKit server, at the level of its methods. Sessions reach it through a `SessionStore`. */
export interface EngineApi {
  readonly control: ControlApi
  /**
   * The bridge of the build `ref` (the `buildkit-controlapi-buildid` header of a call). Waits up to 3 s for a Solve of
   * that ref to begin, then throws `not-found` (`no such job X`).
   */
  bridge(ref: string, signal: AbortSignal): Promise<BridgeApi>
  readonly content?: HistoryContentApi
  /** OTLP spans of clients, passed on unread: the binary form of an ExportTraceServiceRequest. */
  readonly traces?: (request: Uint8Array, call: CallContext) => Promise<void>
}
