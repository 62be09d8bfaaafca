import { toBinary } from '@bufbuild/protobuf'
import type { ServiceImpl } from '@connectrpc/connect'
import { type BridgeLookup, bridgeRoutes } from '../../engine/bridge-routes.ts'
import { callContext } from '../../engine/call-context.ts'
import type { EngineApi, HistoryContentApi } from '../../engine/engine-api.ts'
import { SlipwayError, wrapError } from '../../errors/slipway-error.ts'
import { Content } from '../../proto/gen/content_pb.ts'
import { ExportTraceServiceRequestSchema, TraceService } from '../../proto/gen/trace_pb.ts'
import { errorsAs } from '../../session/errors/typed-handlers.ts'
import { toConnectError } from '../../session/errors/wire-error.ts'
import { healthRoutes } from '../../session/health.ts'
import type { SessionStore } from '../../session/session.ts'
import type { Routes } from '../../session/transport/routes.ts'
import { controlRoutes } from './control-routes.ts'

/**
 * Everything a BuildKit daemon serves, answered by an engine: Control, LLBBridge, Content (blobs of the history), trace
 * collection and health. `sessions` is the store that the engine asks for the client of a build.
 */
export function createServerRoutes(engine: EngineApi, sessions: SessionStore): Routes {
  return router => {
    controlRoutes(engine, sessions)(router)
    bridgeRoutes(byBuildId(engine))(router)
    healthRoutes(router)
    if (engine.content !== undefined) contentRoutes(engine.content)(router)
    router.service(TraceService, {
      async export(request, context) {
        await engine.traces?.(toBinary(ExportTraceServiceRequestSchema, request), callContext(context))
        return {}
      },
    })
  }
}

/** Metadata key that names the build a bridge call belongs to. */
export const buildIdHeader = 'buildkit-controlapi-buildid'

function byBuildId(engine: EngineApi): BridgeLookup {
  return async (method, context) => {
    const ref = context.requestHeader.get(buildIdHeader)
    try {
      if (ref === null || ref === '') throw new SlipwayError('unknown', 'no buildid found in context')
      return await engine.bridge(ref, context.signal)
    } catch (error) {
      // Already in wire form: this is about the call, not a failure of the build, and keeps its code.
      throw toConnectError(wrapError(`forwarding ${method}`, error))
    }
  }
}

function contentRoutes(content: HistoryContentApi): Routes {
  return router => {
    const methods: Partial<ServiceImpl<typeof Content>> = {
      info: async (request, context) => ({ info: await content.info(request.digest, callContext(context)) }),
      async *list(_request, context) {
        for await (const info of content.list(callContext(context))) yield { info: [info] }
      },
      async *read(request, context) {
        let { offset } = request
        const range = { offset, length: request.size }
        for await (const data of content.read(request.digest, range, callContext(context))) {
          yield { offset, data }
          offset += BigInt(data.length)
        }
      },
    }
    router.service(Content, methods, { interceptors: [errorsAs({ bare: true })] })
  }
}
