import { asSlipwayError } from '../../errors/slipway-error.ts'
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
  const { message } = asSlipwayError(error)
  if (!/unsupported request frontend\.(outline|targets|lint)/.test(message)) return undefined
  return { ...request, FrontendOpt: { ...request.FrontendOpt, 'build-arg:BUILDKIT_SYNTAX': frontend } }
}
