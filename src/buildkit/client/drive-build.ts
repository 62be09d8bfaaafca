import { type Client, createClient } from '@connectrpc/connect'
import { create } from '@bufbuild/protobuf'
import { asSlipwayError, type SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import { Control, type SolveRequest } from '../../proto/gen/control_pb.ts'
import { LLBBridge, type Result, SolveRequestSchema } from '../../proto/gen/gateway_pb.ts'
import type { Definition } from '../../proto/gen/ops_pb.ts'
import type { BuildkitConnection } from '../../session/connection.ts'
import { toRpcStatus } from '../../session/errors/wire-error.ts'
import type { StatusWriter } from '../../status/solve-status.ts'
import { unanswered, withNewerFrontend } from './newer-frontend.ts'
import { noResult } from './no-result.ts'
import { statusFromMessage } from './status-from-message.ts'

/** What a build is asked for, besides its session. */
export interface DriveOptions {
  /** Control.Solve without a frontend: the client names the frontend over the bridge and returns what it answers. */
  readonly request: Omit<SolveRequest, '$typeName' | '$unknown'>
  readonly frontend: string
  readonly frontendOptions: Readonly<Record<string, string>>
  readonly frontendInputs: Readonly<Record<string, Definition>>
  /**
   * Called with what the frontend answered, before it is returned and exported; `evaluate` makes all its trees. What it
   * throws is how the build ends.
   */
  readonly onResult?: (result: Result, evaluate: () => Promise<void>, bridge: Bridge) => Promise<void>
  readonly onStatus: StatusWriter
  readonly signal: AbortSignal
}

/** What any use of the bridge needs. */
export type BridgeOptions = Pick<DriveOptions, 'request' | 'onStatus' | 'signal'>

/** The bridge of a running build, and what its calls are made with. */
export interface Bridge {
  readonly client: Client<typeof LLBBridge>
  readonly call: { readonly signal: AbortSignal; readonly headers: Readonly<Record<string, string>> }
}

/** How a build ended. */
export interface DriveResult {
  readonly exporterResponse: Readonly<Record<string, string>>
  /** Metadata of the frontend's result: `result.json` of sub-requests and the like. */
  readonly metadata: ReadonlyMap<string, Uint8Array>
}

/**
 * Runs a build as buildx does: Status, Solve with an empty frontend and the bridge calls go on in parallel; Solve answers
 * after `Return` and the exports. Throws what the daemon says.
 */
export async function driveBuild(node: BuildkitConnection, options: DriveOptions): Promise<DriveResult> {
  const { value, exporterResponse } = await driveBridge(node, options, bridge => askFrontend(bridge, options))
  return { exporterResponse, metadata: new Map(Object.entries(value?.metadata ?? {})) }
}

/**
 * Runs `use` with the bridge of a build of its own, and returns the result it answers to be exported. Throws what the
 * daemon says.
 */
export async function driveBridge<T extends Result | undefined>(
  node: BuildkitConnection,
  options: BridgeOptions,
  use: (bridge: Bridge) => Promise<T>,
): Promise<{ readonly value: T; readonly exporterResponse: Readonly<Record<string, string>> }> {
  const abort = new AbortController()
  const stop = (): void => abort.abort(options.signal.reason)
  options.signal.addEventListener('abort', stop, { once: true })
  if (options.signal.aborted) stop()
  const { signal } = abort
  const control = createClient(Control, node.transport)
  const { Ref } = options.request
  const solving = control.solve(options.request, { signal })
  const ended = new AbortController()
  // Goes on after the user has given up: the daemon tells which steps were stopped.
  const watching = watchStatus(control, Ref, options.onStatus, ended.signal)
  // Calls of a build that was refused would wait for it to begin.
  const refused = new AbortController()
  solving.catch(() => setTimeout(() => refused.abort(), 200))
  try {
    const bridging = useBridge(node, options, AbortSignal.any([signal, refused.signal]), use)
    const [response, value] = await firstFailure(solving, bridging)
    return { exporterResponse: response.ExporterResponse, value }
  } catch (e) {
    abort.abort(e)
    await Promise.allSettled([solving])
    throw wrapError('failed to solve', options.signal.aborted ? asCanceledCall(e) : e)
  } finally {
    options.signal.removeEventListener('abort', stop)
    const timer = setTimeout(() => ended.abort(), 2000)
    await watching
    clearTimeout(timer)
  }
}

/** A build that its user gave up ends with the error of its call, which is shown with its class. */
function asCanceledCall(e: unknown): unknown {
  const error = asSlipwayError(e)
  const isBare = error.code === 'canceled' && error.message === 'context canceled'
  return isBare ? wrapError('Canceled', error) : e
}

/** Both values, or the error that says most: the daemon's answer rather than the broken call that follows from it. */
async function firstFailure<A, B>(solving: Promise<A>, bridging: Promise<B>): Promise<[A, B]> {
  const [solved, bridged] = await Promise.allSettled([solving, bridging])
  if (
    bridged.status === 'rejected' &&
    !followsFromSolve(asSlipwayError(bridged.reason), solved.status === 'rejected')
  )
    throw bridged.reason
  if (solved.status === 'rejected') throw solved.reason
  if (bridged.status === 'rejected') throw bridged.reason
  return [solved.value, bridged.value]
}

/** A bridge call is cancelled with its build; where the build never began there is no job for it either. */
const followsFromSolve = (error: SlipwayError, hasFailed: boolean): boolean =>
  error.code === 'canceled' ||
  (hasFailed && error.code === 'not-found' && error.message.includes('no such job'))

async function watchStatus(
  control: Client<typeof Control>,
  ref: string,
  write: StatusWriter,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const message of control.status({ Ref: ref }, { signal })) write(statusFromMessage(message))
  } catch {
    // The build's own answer says what went wrong; a broken status stream only ends the display.
  }
}

async function useBridge<T extends Result | undefined>(
  node: BuildkitConnection,
  options: BridgeOptions,
  signal: AbortSignal,
  use: (bridge: Bridge) => Promise<T>,
): Promise<T> {
  const client = createClient(LLBBridge, node.transport)
  const call = { signal, headers: { 'buildkit-controlapi-buildid': options.request.Ref } }
  let result: T
  try {
    await client.ping({}, call)
    result = await use({ client, call })
  } catch (e) {
    const error = asSlipwayError(e)
    await client.return({ error: toRpcStatus(error, { ofBuild: true }) }, call).catch(() => undefined)
    throw e
  }
  await client.return(result === undefined ? noResult : { result }, call)
  return result
}

async function askFrontend(bridge: Bridge, options: DriveOptions): Promise<Result | undefined> {
  const { client, call } = bridge
  const request = create(SolveRequestSchema, {
    Frontend: options.frontend,
    FrontendOpt: { ...options.frontendOptions },
    FrontendInputs: { ...options.frontendInputs },
    allowResultReturn: true,
    allowResultArrayRef: true,
    CacheImports: (options.request.Cache?.Imports ?? []).map(one => ({ Type: one.Type, Attrs: one.Attrs })),
  })
  const { result } = await client.solve(request, call).catch(async (error: unknown) => {
    const again = withNewerFrontend(request, error)
    if (again === undefined) throw error
    return await client.solve(again, call).catch((newer: unknown) => {
      throw call.signal.aborted ? newer : unanswered(error, newer)
    })
  })
  const refs = refIds(result)
  const evaluate = async (): Promise<void> =>
    void (await Promise.all(refs.map(Ref => client.evaluate({ Ref }, call))))
  if (result !== undefined) await options.onResult?.(result, evaluate, bridge)
  return result
}

/** Ids of the trees of a result; the empty tree has none. */
function refIds(result: Result | undefined): readonly string[] {
  const found = result?.result
  const refs =
    found?.case === 'refs' ? Object.values(found.value.refs) : found?.case === 'ref' ? [found.value] : []
  return refs.map(ref => ref.id).filter(id => id !== '')
}
