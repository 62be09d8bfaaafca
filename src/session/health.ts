import type { ConnectRouter } from '@connectrpc/connect'
import { sleep } from '../async/abort.ts'
import { Health, HealthCheckResponse_ServingStatus as Serving } from '../proto/gen/health_pb.ts'
import type { SessionCaller } from './session.ts'
import { callUnary } from './transport/call.ts'

/** The health service of a peer that is there as long as it answers. */
export function healthRoutes(router: ConnectRouter): void {
  router.service(Health, {
    check: () => ({ status: Serving.SERVING }),
    async *watch(_, context) {
      yield { status: Serving.SERVING }
      await new Promise(resolve => context.signal.addEventListener('abort', resolve, { once: true }))
    },
  })
}

/** How a session is watched; milliseconds. */
export interface HealthOptions {
  /** Between two checks. Default 5000. */
  readonly intervalMs?: number
  /** For one answer; a slow answer before allows one and a half times as long. Default 15000. */
  readonly timeoutMs?: number
  /** Failures in a row that end the session. Default 2: a busy line may miss one. */
  readonly failures?: number
}

/** What a client asks for: checks in its own time. Less than a second is not believed. */
export function healthOptions(headers: Headers): HealthOptions {
  const ms = Number(headers.get('x-buildkit-session-health-custom-timeout') ?? '')
  if (!Number.isSafeInteger(ms) || ms <= 0) return {}
  const time = Math.max(1000, ms)
  return { intervalMs: time, timeoutMs: time, failures: 1 }
}

/**
 * Asks a client for its health again and again until the signal aborts; resolves early, to false, when it fails to
 * answer. Figures: https://github.com/moby/buildkit/blob/v0.32.2/session/grpc.go
 */
export async function watchHealth(
  caller: SessionCaller,
  signal: AbortSignal,
  options: HealthOptions = {},
): Promise<boolean> {
  const { intervalMs = 5000, timeoutMs = 15_000, failures = 2 } = options
  let failed = 0
  let took = 0
  while (!signal.aborted) {
    await sleep(intervalMs, signal).catch(() => {})
    if (signal.aborted) break
    const began = performance.now()
    const timeout = AbortSignal.timeout(Math.max(timeoutMs, took * 1.5))
    try {
      await callUnary(
        caller.transport,
        Health.method.check,
        {},
        { signal: AbortSignal.any([signal, timeout]) },
      )
      failed = 0
    } catch {
      if (++failed >= failures && !signal.aborted) return false
    }
    took = performance.now() - began
  }
  return true
}
