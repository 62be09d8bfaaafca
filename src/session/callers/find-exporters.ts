import { isSlipwayError } from '../../errors/slipway-error.ts'
import { Exporter } from '../../proto/gen/session-exporter_pb.ts'
import type { ChosenExporter } from '../attachables/session-exporter.ts'
import type { SessionCaller } from '../session.ts'
import { callUnary } from '../transport/call.ts'
import { supported } from './supported.ts'

/** The exporters that the client wants for a result; none where it does not choose. */
export async function findExporters(
  caller: SessionCaller,
  metadata: Readonly<Record<string, Uint8Array>>,
  refs: readonly string[],
  signal?: AbortSignal,
): Promise<readonly ChosenExporter[]> {
  const method = Exporter.method.findExporters
  if (!supported(caller, method)) return []
  const request = { metadata: { ...metadata }, refs: [...refs] }
  try {
    const { exporters } = await callUnary(caller.transport, method, request, { signal })
    return exporters.map(({ Type, Attrs }) => ({ type: Type, attrs: Attrs }))
  } catch (error) {
    return unlessAbsent(error, [])
  }
}

/** Tells the client what its exporters answered, where it wants to know. */
export async function finalizeExport(
  caller: SessionCaller,
  response: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<void> {
  const method = Exporter.method.finalizeExport
  if (!supported(caller, method)) return
  try {
    await callUnary(caller.transport, method, { exporterResponse: { ...response } }, { signal })
  } catch (error) {
    unlessAbsent(error, undefined)
  }
}

/** The value for a client that has no such callback, one way or the other; throws any other error. */
function unlessAbsent<T>(error: unknown, value: T): T {
  if (isSlipwayError(error) && (error.code === 'unimplemented' || error.code === 'unavailable')) return value
  throw error
}
