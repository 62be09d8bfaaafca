import type { HandlerContext } from '@connectrpc/connect'
import { callContext } from '../../engine/call-context.ts'
import type { EngineApi } from '../../engine/engine-api.ts'
import { SlipwayError } from '../../errors/slipway-error.ts'
import { Control } from '../../proto/gen/control_pb.ts'
import { errorsAs } from '../../session/errors/typed-handlers.ts'
import type { SessionStore } from '../../session/session.ts'
import type { Routes } from '../../session/transport/routes.ts'
import { openTunnel } from '../../session/tunnel.ts'
import { acceptSession } from './accept-session.ts'

/** The Control service: builds and records are the engine's, session tunnels end here. */
export function controlRoutes(engine: EngineApi, sessions: SessionStore): Routes {
  const { control } = engine
  return router => {
    router.service(Control, {
      listWorkers: (request, context) => control.listWorkers(request, callContext(context)),
      info: (request, context) => control.info(request, callContext(context)),
      diskUsage: (request, context) => control.diskUsage(request, callContext(context)),
      prune: (request, context) => control.prune(request, callContext(context)),
      status: (request, context) => {
        context.responseHeader.set('buildkit-current-timestamp', new Date().toISOString())
        return control.status(request, callContext(context))
      },
      listenBuildHistory: (request, context) => {
        context.responseHeader.set('buildkit-current-timestamp', new Date().toISOString())
        return control.listenBuildHistory(request, callContext(context))
      },
      updateBuildHistory: (request, context) => control.updateBuildHistory(request, callContext(context)),
      session: (messages, context) => session(messages, context, sessions),
    })
    router.rpc(Control.method.solve, (request, context) => control.solve(request, callContext(context)), {
      interceptors: [errorsAs({ ofBuild: true })],
    })
  }
}

async function* session(
  messages: AsyncIterable<{ readonly data: Uint8Array }>,
  context: HandlerContext,
  sessions: SessionStore,
): AsyncGenerator<{ readonly data: Uint8Array }> {
  const tunnel = openTunnel(messages)
  await using accepted = acceptSession(tunnel.duplex, context.requestHeader)
  if (accepted.caller.id === '') throw new SlipwayError('invalid-argument', 'session has no id')
  using _registered = sessions.register(accepted.caller)
  const onAbort = (): void => void tunnel.duplex.destroy()
  context.signal.addEventListener('abort', onAbort, { once: true })
  yield* tunnel.outgoing
}
