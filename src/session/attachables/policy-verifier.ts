import type { MessageInitShape } from '@bufbuild/protobuf'
import {
  type CheckPolicyRequest,
  type CheckPolicyResponseSchema,
  PolicyVerifier,
} from '../../proto/gen/policysession_pb.ts'
import type { Attachable } from '../attachable.ts'

/** Decides about one source: a decision, or a request for more facts, after which it is asked again. */
export type PolicyCheck = (
  request: CheckPolicyRequest,
  signal: AbortSignal,
) => Promise<MessageInitShape<typeof CheckPolicyResponseSchema>>

/** Lets the client allow, deny or rewrite the sources of a build, one by one. */
export function policyVerifier(check: PolicyCheck): Attachable {
  return {
    routes: router =>
      router.service(PolicyVerifier, {
        checkPolicy: (request, context) => check(request, context.signal),
      }),
  }
}
