import { Capture } from '../attest/capture.ts'
import { captureOp } from '../attest/capture-op.ts'
import type { ProxyLog } from '../executor/proxy/proxy-log.ts'
import type { Platform } from '../oci/descriptor.ts'
import type { Job } from '../solver/solver.ts'
import type { Edge } from '../solver/vertex.ts'
import type { VertexBody } from './load-definition.ts'
import { platformOf } from './platform-message.ts'
import { isProxied } from './proxied-steps.ts'

/** What went into a result of a job, for provenance. The result must have been made. */
export function captureEdge(job: Job, edge: Edge, hostPlatform: Platform): Capture {
  const capture = new Capture()
  for (const { vertex, op: work } of job.walk(edge)) {
    const { op } = vertex.body as VertexBody
    const proxied = isProxied(op)
      ? { digest: vertex.digest, requests: work.seen?.() as ProxyLog | undefined }
      : undefined
    captureOp(capture, op, platformOf(op.platform) ?? hostPlatform, work.pin?.(), proxied)
  }
  return capture
}
