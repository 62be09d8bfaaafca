import { asSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import type { SolveRequest } from '../../proto/gen/gateway_pb.ts'

/** A frontend that answers every question of `--call`. Source: buildx v0.36.1 build/build.go */
const frontend =
  'docker/dockerfile:1.8.1@sha256:e87caa74dcb7d46cd820352bfea12591f3dba3ddc4285e19c7dcd13359f7cefd'

/**
 * The request once more, with a frontend of which it is known that it can answer; undefined where `error` is not that the
 * daemon's own is too old for the question. Behaviour: https://github.com/docker/buildx/blob/v0.36.1/build/build.go#L1305
 */
export function withNewerFrontend(request: SolveRequest, error: unknown): SolveRequest | undefined {
  if (request.FrontendOpt['requestid'] === undefined) return undefined
  if (questionOf(error) === undefined) return undefined
  return { ...request, FrontendOpt: { ...request.FrontendOpt, 'build-arg:BUILDKIT_SYNTAX': frontend } }
}

/**
 * The refusal of a question that neither the daemon's frontend knows nor the newer one answered: said once (the wire brings
 * it twice), with why the newer one was no help.
 */
export function unanswered(refusal: unknown, newer: unknown): SlipwayError {
  const { code, details } = asSlipwayError(refusal)
  const [image] = frontend.split('@')
  return new SlipwayError(code, `unsupported request ${questionOf(refusal) ?? ''}`, {
    details,
    cause: newer,
    hint: `the daemon is too old for this question, and ${image}, which would answer it, did not: ${asSlipwayError(newer).message}`,
  })
}

function questionOf(error: unknown): string | undefined {
  const { message } = asSlipwayError(error)
  return /unsupported request (frontend\.(?:outline|targets|lint))/.exec(message)?.[1]
}
