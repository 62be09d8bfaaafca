import type { Transport } from '../../../registry/http/transport.ts'

/** What backends on services of the net are reached with. */
export interface CloudAccess {
  readonly transport: Transport
  /** Variables of the process that is the engine: `AWS_…`, `AZURE_…`, `BUILDKIT_AZURE_…`, `HOME`. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Replaces the timer in tests. */
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>
}
