import type { HandlerContext } from '@connectrpc/connect'
import type { BridgeApi, CallContext } from './engine-api.ts'
import { SlipwayError } from '../errors/slipway-error.ts'
import { type ExecMessage, LLBBridge } from '../proto/gen/gateway_pb.ts'
import { errorsAs } from '../session/errors/typed-handlers.ts'
import type { Routes } from '../session/transport/routes.ts'
import { callContext } from './call-context.ts'

/** Finds the bridge that a call is for; `method` names it in errors. */
export type BridgeLookup = (method: string, context: HandlerContext) => Promise<BridgeApi>

/**
 * The LLBBridge service. A daemon finds the bridge by the build that the call names; a frontend in a container has one
 * bridge for all its calls: `bridgeRoutes(async () => bridge)`.
 */
export function bridgeRoutes(lookup: BridgeLookup): Routes {
  const forward =
    <Request, Answer>(
      name: string,
      method: (bridge: BridgeApi, request: Request, call: CallContext) => Promise<Answer> | undefined,
    ) =>
    async (request: Request, context: HandlerContext): Promise<Answer> => {
      const answer = method(await lookup(name, context), request, callContext(context))
      if (answer === undefined) throw unimplemented(name)
      return await answer
    }
  return router => {
    router.service(
      LLBBridge,
      {
        ping: forward('Ping', (bridge, request, call) => bridge.ping(request, call)),
        resolveImageConfig: forward('ResolveImageConfig', (bridge, request, call) =>
          bridge.resolveImageConfig(request, call),
        ),
        resolveSourceMeta: forward('ResolveSourceMeta', (bridge, request, call) =>
          bridge.resolveSourceMeta(request, call),
        ),
        solve: forward('Solve', (bridge, request, call) => bridge.solve(request, call)),
        readFile: forward('ReadFile', (bridge, request, call) => bridge.readFile(request, call)),
        readDir: forward('ReadDir', (bridge, request, call) => bridge.readDir(request, call)),
        statFile: forward('StatFile', (bridge, request, call) => bridge.statFile(request, call)),
        evaluate: forward('Evaluate', (bridge, request, call) => bridge.evaluate(request, call)),
        return: forward('Return', (bridge, request, call) => bridge.return(request, call)),
        inputs: forward('Inputs', (bridge, request, call) => bridge.inputs(request, call)),
        warn: forward('Warn', (bridge, request, call) => bridge.warn(request, call)),
        newContainer: forward('NewContainer', (bridge, request, call) =>
          bridge.newContainer?.(request, call),
        ),
        releaseContainer: forward('ReleaseContainer', (bridge, request, call) =>
          bridge.releaseContainer?.(request, call),
        ),
        readFileContainer: forward('ReadFileContainer', (bridge, request, call) =>
          bridge.readFileContainer?.(request, call),
        ),
        readDirContainer: forward('ReadDirContainer', (bridge, request, call) =>
          bridge.readDirContainer?.(request, call),
        ),
        statFileContainer: forward('StatFileContainer', (bridge, request, call) =>
          bridge.statFileContainer?.(request, call),
        ),
        execProcess: (messages, context) => execProcess(messages, context, lookup),
      },
      { interceptors: [errorsAs({ ofBuild: true })] },
    )
  }
}

async function* execProcess(
  messages: AsyncIterable<ExecMessage>,
  context: HandlerContext,
  lookup: BridgeLookup,
): ReturnType<Extract<BridgeApi['execProcess'], object>> {
  const bridge = await lookup('ExecProcess', context)
  if (bridge.execProcess === undefined) throw unimplemented('ExecProcess')
  yield* bridge.execProcess(messages, callContext(context))
}

function unimplemented(method: string): SlipwayError {
  return new SlipwayError('unimplemented', `method ${method} not implemented`)
}
