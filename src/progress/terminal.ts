/** Where progress is drawn. */
export interface Terminal {
  /** Whether the cursor can be moved: only then is the tty display possible. */
  readonly isTerminal: boolean
  /** Writes text or bytes as they are; never waits. */
  write(chunk: string | Uint8Array): void
  /** Present size in characters, 0 for what is not known. */
  size(): { readonly columns: number; readonly rows: number }
}
