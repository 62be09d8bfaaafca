import { isSlipwayError, SlipwayError } from '../../errors/slipway-error.ts'
import { Secrets } from '../../proto/gen/secrets_pb.ts'
import type { SessionCaller } from '../session.ts'
import { callUnary } from '../transport/call.ts'

/** A secret of the client. Throws `not-found` (`secret X: not found`) where it has none of this id. */
export async function getSecret(
  caller: SessionCaller,
  id: string,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  try {
    return (await callUnary(caller.transport, Secrets.method.getSecret, { ID: id }, { signal })).data
  } catch (error) {
    if (isSlipwayError(error) && (error.code === 'not-found' || error.code === 'unimplemented')) {
      throw new SlipwayError('not-found', `secret ${id}: not found`, {
        cause: error,
        hint: `give it to the build with --secret id=${id},src=FILE or --secret id=${id},env=NAME`,
      })
    }
    throw error
  }
}
