import type { ConvertHost } from '../../dockerfile/convert/host.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { attribute } from '../attributes.ts'
import type { Entrypoint } from '../entrypoint.ts'
import type { FrontendResult } from '../result.ts'
import type { FrontendScope } from '../scope.ts'

/** Answers a question about the Dockerfile instead of a build; undefined where the client wants a build. */
export async function answerSubrequest<Ref>(
  _entrypoint: Entrypoint,
  _host: ConvertHost,
  scope: FrontendScope<Ref>,
): Promise<FrontendResult<Ref> | undefined> {
  const name = attribute(scope.attributes, 'requestid')
  if (name === undefined) return undefined
  throw new SlipwayError('unimplemented', `unsupported request ${name}`, {
    details: [{ type: 'errdefs.Subrequest', name }],
  })
}
