import type { Readable, Writable } from 'node:stream'

/** Standard input. */
export interface HostInput {
  readonly isTTY: boolean
  readonly stream: Readable
  /** Of a terminal: keys come one by one, unseen, and interrupt nothing. Absent where there is none. */
  readonly setRaw?: (raw: boolean) => void
}

/** Standard output or standard error. */
export interface HostOutput {
  readonly isTTY: boolean
  /** Present width in characters, 0 when it is not known. */
  readonly columns: number
  /** Present height in characters, 0 when it is not known. */
  readonly rows: number
  /** Writes text or bytes; never waits. For large results pipe into `stream`. */
  write(chunk: string | Uint8Array): void
  readonly stream: Writable
  /** Waits until all that was written has left the process; absent where it has when `write` returns. */
  drain?(): Promise<void>
}

/** Everything of the surrounding process that commands may read: nothing else in `cli/` touches `process`. */
export interface Host {
  /** Base name that the program was started under. */
  readonly program: string
  /** The words by which this process was started: interpreter, its options, program, arguments. */
  readonly self: readonly string[]
  /** Arguments after the program. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Working directory, absolute. */
  readonly cwd: string
  readonly stdin: HostInput
  readonly stdout: HostOutput
  readonly stderr: HostOutput
  /** Milliseconds since the epoch, with a fraction. */
  now(): number
  /** So many unpredictable bytes. */
  random(size: number): Uint8Array
  /** Effective user id. */
  readonly uid: number
}
