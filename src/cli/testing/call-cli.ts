import { Readable, Writable } from 'node:stream'
import { commandTable } from '../command-table.ts'
import type { Host, HostOutput } from '../host.ts'
import { runCli } from '../run-cli.ts'

/** What a command line left behind. */
export interface CliOutcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Where and with what a command line runs in tests. */
export interface CliCall {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string | Uint8Array | Readable
  /** Told all that standard output got so far, whenever it gets more. */
  readonly onStdout?: (text: string) => void
  /** Name that the program was started under; `slipway` if absent. */
  readonly program?: string
  readonly signal?: AbortSignal
}

/** Runs a command line in this process, with output that is kept. */
export async function callCli(args: readonly string[], call: CliCall): Promise<CliOutcome> {
  const [stdout, stderr] = [keptOutput(call.onStdout), keptOutput()]
  const stdin = call.stdin instanceof Readable ? call.stdin : Readable.from([Buffer.from(call.stdin ?? '')])
  const host: Host = {
    program: call.program ?? 'slipway',
    self: [],
    args,
    env: { PATH: process.env['PATH'], ...call.env },
    cwd: call.cwd,
    stdin: { isTTY: false, stream: stdin },
    stdout: stdout.output,
    stderr: stderr.output,
    now: () => Date.now(),
    random: size => crypto.getRandomValues(new Uint8Array(size)),
    uid: 0, // root needs no namespace, in which the command would begin anew
  }
  const code = await runCli(host, commandTable, call.signal ?? new AbortController().signal)
  return { code, stdout: stdout.text(), stderr: stderr.text() }
}

function keptOutput(told?: CliCall['onStdout']): {
  readonly output: HostOutput
  readonly text: () => string
} {
  const chunks: Buffer[] = []
  const text = (): string => Buffer.concat(chunks).toString('utf8')
  const write = (chunk: string | Uint8Array): void => {
    chunks.push(Buffer.from(chunk as string))
    told?.(text())
  }
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      write(chunk)
      done()
    },
  })
  return {
    output: { isTTY: false, columns: 0, rows: 0, write, stream },
    text,
  }
}
