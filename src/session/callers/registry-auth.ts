import { randomBytes } from 'node:crypto'
import { anySignal } from '../../async/abort.ts'
import type { ErrorCode } from '../../errors/codes.ts'
import { isSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import { Auth } from '../../proto/gen/auth_pb.ts'
import { isSignedPayload } from '../attachables/token-authority.ts'
import type { RegistryToken } from '../attachables/token-request.ts'
import type { SessionCaller } from '../session.ts'
import { callUnary } from '../transport/call.ts'

/** Milliseconds that a client has for one answer: it may run a credential helper that asks its user. */
const timeoutMs = 60_000

/** Name and secret of the client's user at a registry; an empty name with a secret means a refresh token. */
export interface ClientCredentials {
  readonly username: string
  readonly secret: string
}

/** The client's credentials for a registry host; empty ones where it has none or does not give any. */
export async function getCredentials(
  caller: SessionCaller,
  host: string,
  signal?: AbortSignal,
): Promise<ClientCredentials> {
  const answer = await ask(['unimplemented'], signal, inner =>
    callUnary(caller.transport, Auth.method.credentials, { Host: host }, { signal: inner }),
  )
  return { username: answer?.Username ?? '', secret: answer?.Secret ?? '' }
}

/** What a token is to be for. */
export interface TokenScope {
  readonly host: string
  /** URL of the token server, and the service, as the registry's challenge names them. */
  readonly realm: string
  readonly service: string
  readonly scopes: readonly string[]
}

/** A token that the client fetches with its own credentials. Throws what the token server answered. */
export async function fetchToken(
  caller: SessionCaller,
  scope: TokenScope,
  signal?: AbortSignal,
): Promise<RegistryToken> {
  const { host, realm, service, scopes } = scope
  const request = {
    ClientID: 'buildkit-client',
    Host: host,
    Realm: realm,
    Service: service,
    Scopes: [...scopes],
  }
  const { Token, ExpiresIn, IssuedAt } = await callUnary(caller.transport, Auth.method.fetchToken, request, {
    signal: withTimeout(signal),
  })
  return {
    token: Token,
    ...(ExpiresIn > 0n ? { expiresIn: Number(ExpiresIn) } : {}),
    ...(IssuedAt > 0n ? { issuedAt: Number(IssuedAt) * 1000 } : {}),
  }
}

/**
 * The public key that stands for the client's user at a registry: tokens fetched for one key may be used for all clients
 * that prove to have it. Undefined where the client fetches no tokens: ask for its credentials then. `salt` is 32 random
 * bytes, kept for the life of the daemon.
 */
export async function tokenAuthority(
  caller: SessionCaller,
  host: string,
  salt: Uint8Array,
  signal?: AbortSignal,
): Promise<Uint8Array | undefined> {
  const request = { Host: host, Salt: salt }
  const answer = await ask(['unimplemented', 'unavailable'], signal, inner =>
    callUnary(caller.transport, Auth.method.getTokenAuthority, request, { signal: inner }),
  )
  if (answer !== undefined && answer.PublicKey.length !== 32) {
    throw new SlipwayError('unknown', `invalid pubkey length ${answer.PublicKey.length}`)
  }
  return answer?.PublicKey
}

/** Whether a client has the private half of a key. */
export async function hasTokenAuthority(
  caller: SessionCaller,
  host: string,
  salt: Uint8Array,
  publicKey: Uint8Array,
  signal?: AbortSignal,
): Promise<boolean> {
  const payload = randomBytes(32)
  const request = { Host: host, Salt: salt, Payload: payload }
  const answer = await ask(['unimplemented'], signal, inner =>
    callUnary(caller.transport, Auth.method.verifyTokenAuthority, request, { signal: inner }),
  )
  return answer !== undefined && isSignedPayload(publicKey, answer.Signed, payload)
}

/** Undefined where the client does not do this, as one of `codes` says. */
async function ask<T>(
  codes: readonly ErrorCode[],
  signal: AbortSignal | undefined,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await call(withTimeout(signal))
  } catch (error) {
    if (isSlipwayError(error) && codes.includes(error.code)) return undefined
    throw error
  }
}

function withTimeout(signal: AbortSignal | undefined): AbortSignal {
  return anySignal(signal, AbortSignal.timeout(timeoutMs))
}
