import { SlipwayError } from '../../errors/slipway-error.ts'
import { Exporter } from '../../proto/gen/session-exporter_pb.ts'
import type { Attachable } from '../attachable.ts'

/** An exporter that the client chooses when the result is known. */
export interface ChosenExporter {
  readonly type: string
  readonly attrs: Readonly<Record<string, string>>
}

/** The client's say in how a finished result is exported. */
export interface ExporterChoice {
  /** `refs` are the ids of the results, `metadata` is that of the result. */
  choose(
    metadata: Readonly<Record<string, Uint8Array>>,
    refs: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly ChosenExporter[]>
  /** Is told the response of the exporters at the end. */
  finalize?(response: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void>
}

/** Lets the client choose exporters. */
export function sessionExporter(choice: ExporterChoice): Attachable {
  return {
    routes: router =>
      router.service(Exporter, {
        async findExporters(request, context) {
          const chosen = await choice.choose(request.metadata, request.refs, context.signal)
          return { exporters: chosen.map(({ type, attrs }) => ({ Type: type, Attrs: attrs })) }
        },
        async finalizeExport(request, context) {
          if (choice.finalize === undefined) {
            throw new SlipwayError('unimplemented', 'no exporter finalize callback registered')
          }
          await choice.finalize(request.exporterResponse, context.signal)
          return {}
        },
      }),
  }
}
