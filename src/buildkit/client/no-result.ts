import type { MessageInitShape } from '@bufbuild/protobuf'
import type { ReturnRequestSchema } from '../../proto/gen/gateway_pb.ts'

/**
 * What a build returns that has nothing to export. Never an empty request: that takes BuildKit down as a whole (0.12 in
 * dockerd 26 and 0.32.2), with all builds of others. Source:
 * https://github.com/moby/buildkit/blob/v0.32.2/frontend/gateway/gateway.go#L1032
 */
export const noResult: MessageInitShape<typeof ReturnRequestSchema> = {
  result: { result: { case: 'ref', value: {} } },
}
