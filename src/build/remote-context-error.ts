import { isAbsolute } from 'node:path'
import { isSlipwayError, SlipwayError } from '../errors/slipway-error.ts'
import type { BuildRequest } from './build-request.ts'
import { isHttpUrl, isRemoteUrl } from './remote-url.ts'

const reading = /^failed to solve: failed to read (?:dockerfile|downloaded context): /

/**
 * A context that cannot be had, in buildx's words: there the first file that is looked for in a remote context is the policy
 * beside the Dockerfile, and only what sounds as if that file were missing lets the build go on.
 * @see https://github.com/docker/buildx/blob/v0.36.1/build/policy_loader.go
 */
export function remoteContextError(e: unknown, request: BuildRequest): unknown {
  const { context, dockerfile = 'Dockerfile', dockerfileInline } = request
  const isInContext =
    dockerfileInline === undefined && dockerfile !== '-' && !isAbsolute(dockerfile) && !isHttpUrl(dockerfile)
  if (!isInContext || !isRemoteUrl(context) || !isSlipwayError(e)) return e
  if (!reading.test(e.message) || /not found|no such file/i.test(e.message)) return e
  const message = e.message.replace(reading, `failed to stat policy file ${dockerfile}.rego: `)
  const { code, hint, sources, details } = e
  return new SlipwayError(code, message, {
    cause: e,
    sources,
    details,
    ...(hint === undefined ? {} : { hint }),
  })
}
