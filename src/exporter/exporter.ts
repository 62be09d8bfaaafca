import type { ExportContext, ExporterResponse } from './export-context.ts'
import type { ExportSource } from './export-source.ts'

/** One kind of output with its options read. Source: https://github.com/moby/buildkit/blob/v0.32.2/exporter/exporter.go */
export interface ExporterInstance {
  /** Name of the step: `exporting to image`. */
  readonly name: string
  /** Its number among the outputs of the request; the client's session knows outputs by it. */
  readonly id: number
  /**
   * Makes what is exported and sends it. Throws typed errors; nothing half-made is left under a final name.
   */
  export(source: ExportSource, ctx: ExportContext): Promise<ExporterResponse>
}
