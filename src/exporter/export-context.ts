/** Progress of one export, shown as one step. Sizes in bytes. */
export interface ExportProgress {
  status(id: string, state: { current?: number; total?: number; completed?: boolean }): void
  step<T>(id: string, work: () => Promise<T>): Promise<T>
  log(stream: 1 | 2, data: Uint8Array): void
}

/** What an exporter may use while it works. */
export interface ExportContext {
  readonly signal: AbortSignal
  readonly progress: ExportProgress
  /** Session of the client that the export goes to. */
  readonly sessionId: string
}

/** What the client is told of an export: `containerimage.digest`, `image.name` and others. */
export type ExporterResponse = Readonly<Record<string, string>>
