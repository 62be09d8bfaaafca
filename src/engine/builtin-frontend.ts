import type { SolveRequest } from '../proto/gen/control_pb.ts'

/**
 * A request for an image called `dockerfile.v0` (`# syntax=dockerfile.v0`) means the built-in frontend, unless a named
 * context stands for the name.
 */
export function builtinFrontend(request: SolveRequest): SolveRequest {
  const { Frontend, FrontendAttrs } = request
  if (Frontend !== 'gateway.v0' || FrontendAttrs['source'] !== 'dockerfile.v0') return request
  if (Object.keys(FrontendAttrs).some(key => /^context:dockerfile\.v0(::|$)/.test(key))) return request
  const { source: _source, ...attrs } = FrontendAttrs
  return { ...request, Frontend: 'dockerfile.v0', FrontendAttrs: attrs }
}
