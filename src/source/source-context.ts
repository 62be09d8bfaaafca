import type { VertexWarning } from '../status/solve-status.ts'

/** Progress of a source, shown below the step that wants it. Sizes in bytes. */
export interface SourceProgress {
  /**
   * Shows the step as running, also after its end, until the returned function is called: for work on its result. Calls nest;
   * what came from a cache stays so.
   */
  resume(): (error?: string) => void
  status(id: string, state: { current?: number; total?: number; completed?: boolean }): void
  step<T>(id: string, work: () => Promise<T>): Promise<T>
  log(stream: 1 | 2, data: Uint8Array): void
  warn(warning: Omit<VertexWarning, 'vertex'>): void
}

/** What a source may use while it works. */
export interface SourceContext {
  readonly signal: AbortSignal
  readonly progress: SourceProgress
  /** Sessions of the clients that want the source, the latest last. */
  sessions(): readonly string[]
}
