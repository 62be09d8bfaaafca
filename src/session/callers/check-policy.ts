import type { MessageInitShape } from '@bufbuild/protobuf'
import {
  type CheckPolicyRequestSchema,
  type CheckPolicyResponse,
  PolicyVerifier,
} from '../../proto/gen/policysession_pb.ts'
import type { SessionCaller } from '../session.ts'
import { callUnary } from '../transport/call.ts'

/** The client's decision about a source. Throws `unimplemented` where it takes none. */
export async function checkPolicy(
  caller: SessionCaller,
  request: MessageInitShape<typeof CheckPolicyRequestSchema>,
  signal?: AbortSignal,
): Promise<CheckPolicyResponse> {
  return await callUnary(caller.transport, PolicyVerifier.method.checkPolicy, request, { signal })
}
