import { create } from '@bufbuild/protobuf'
import { type Code, ConnectError } from '@connectrpc/connect'
import { codeFromGrpc, codes, type ErrorCode } from '../../errors/codes.ts'
import { goCodeName } from '../../errors/go-code-name.ts'
import { asSlipwayError, isSlipwayError, SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import { type Status, StatusSchema } from '../../proto/gen/rpc-status_pb.ts'
import { connectionError } from './connection-error.ts'
import { decodeDetails, detailUrl, encodeDetails, type WireDetail } from './details.ts'

/**
 * Codes that BuildKit gives to failures of a build; it leaves all others `unknown`. A Go client prints the code before
 * the message unless it is unknown, so a build's other codes are sent as unknown, and ours beside it.
 */
const buildCodes: ReadonlySet<ErrorCode> = new Set([
  'canceled',
  'deadline-exceeded',
  'resource-exhausted',
  'unimplemented',
  'internal',
])

/** How an error is put on the wire. */
export interface WireOptions {
  /** The error is a failed build, or of a call that a frontend made: see `buildCodes`. */
  readonly ofBuild?: boolean
  /** Nothing but code and message: containerd's clients print what they cannot read of the rest. */
  readonly bare?: boolean
}

/** What is thrown in a method as what gRPC sends; `ConnectError`s are sent as they are. */
export function toConnectError(thrown: unknown, options: WireOptions = {}): ConnectError {
  if (thrown instanceof ConnectError) return thrown
  const { code, message, details } = toWire(thrown, options)
  const error = new ConnectError(message.toWellFormed(), code as Code, undefined, undefined, thrown)
  error.details = [...details]
  return error
}

/**
 * What a call threw as a `SlipwayError`. The message is as Go's BuildKit client words it: with the name of the code in
 * front, unless that is unknown. Sources, details, hint and exit code are restored.
 */
export function fromConnectError(thrown: unknown): SlipwayError {
  const given = asSlipwayErrorIfAny(thrown)
  if (given !== undefined) return given
  if (!(thrown instanceof ConnectError)) return asSlipwayError(thrown)
  const broken = thrown.isWireError ? undefined : connectionError(thrown)
  if (broken !== undefined) return broken
  const wire = thrown.details.flatMap(d => ('desc' in d ? [] : [{ type: d.type, value: d.value }]))
  const error = fromWire(thrown.code, thrown.rawMessage, wire, thrown)
  // Go's client words this detail once more, in front.
  const asked = error.details.filter(detail => detail.type === 'errdefs.Subrequest')
  return asked.reduce<SlipwayError>(
    (worded, { name }) => wrapError(`unsupported request ${String(name)}`, worded),
    error,
  )
}

/** An error as the message that history records and a bridge's Return carry. */
export function toRpcStatus(thrown: unknown, options: WireOptions = {}): Status {
  const { code, message, details } = toWire(fromConnectError(thrown), options)
  return create(StatusSchema, {
    code,
    message,
    details: details.map(d => ({ typeUrl: detailUrl(d.type), value: d.value })),
  })
}

/** The error that a status stands for; a status of code 0 has none. */
export function fromRpcStatus(status: Status): SlipwayError | undefined {
  if (status.code === 0) return undefined
  const wire = status.details.map(d => ({
    type: d.typeUrl.slice(d.typeUrl.lastIndexOf('/') + 1),
    value: d.value,
  }))
  return fromWire(status.code, status.message, wire, undefined)
}

function toWire(
  thrown: unknown,
  options: WireOptions,
): { code: number; message: string; details: WireDetail[] } {
  const error = asSlipwayError(thrown)
  const hidden = options.ofBuild === true && !buildCodes.has(error.code)
  const code = codes[hidden ? 'unknown' : error.code].grpc
  // An error that came over another wire has its code in front already; the next reader will put it there again.
  const prefix = `${goCodeName(code)}: `
  const message = error.message.startsWith(prefix) ? error.message.slice(prefix.length) : error.message
  return { code, message, details: options.bare === true ? [] : encodeDetails(error) }
}

function fromWire(grpc: number, text: string, wire: readonly WireDetail[], cause: unknown): SlipwayError {
  const { code, ...decoded } = decodeDetails(wire)
  const message = codeFromGrpc(grpc) === 'unknown' ? text : `${goCodeName(grpc)}: ${text}`
  return new SlipwayError(code ?? codeFromGrpc(grpc), message, {
    ...decoded,
    ...(cause === undefined ? {} : { cause }),
  })
}

/** Transports wrap what their own parts throw, abort reasons for one; the typed error inside is what counts. */
function asSlipwayErrorIfAny(thrown: unknown): SlipwayError | undefined {
  if (!(thrown instanceof Error)) return undefined
  if (thrown instanceof ConnectError && !thrown.isWireError && thrown.cause instanceof Error) {
    return asSlipwayErrorIfAny(thrown.cause)
  }
  return isSlipwayError(thrown) ? thrown : undefined
}
